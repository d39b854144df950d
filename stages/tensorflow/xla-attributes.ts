import type { Attribute } from './graph-def.ts';

/** What a node carries that XLA shall compile together with its neighbours: what jit_scope of TensorFlow 1 set. */
export const compiled: Readonly<Record<string, Attribute>> = {
  _XlaCompile: { bool: true },
  _XlaScope: { text: 'step' },
  _XlaSeparateCompiledGradients: { bool: false },
};

/** The marks of an operation of a step; none where it is better left to TensorFlow. */
export function compiledAttributes(operation: string): Readonly<Record<string, Attribute>> {
  return UNCOMPILED.has(operation) ? {} : compiled;
}

/** Left to TensorFlow: XLA draws other numbers from the same seed, and dropout would not be that of other executors. */
const UNCOMPILED = new Set(['StatelessRandomUniform']);
