import type { Attribute } from './graph-def.ts';

/** What a node carries that XLA shall compile together with its neighbours: what jit_scope of TensorFlow 1 set. */
export function compiledAttributes(operation: string): Readonly<Record<string, Attribute>> {
  if (UNCOMPILED.has(operation)) return {};
  return {
    _XlaCompile: { bool: true },
    _XlaScope: { text: 'step' },
    _XlaSeparateCompiledGradients: { bool: false },
  };
}

/** Left to TensorFlow: XLA draws other numbers from the same seed, and dropout would not be that of other executors. */
const UNCOMPILED = new Set(['StatelessRandomUniform']);
