import type { GraphParts } from './graph-linears.ts';
import type { GraphNode } from './graph-nodes.ts';
import type { Constant } from './stored-constants.ts';

/** A LayerNorm somewhere in a graph. */
export interface Norm {
  /** What is normalised. */
  readonly input: string;
  readonly output: string;
  /** [width] */
  readonly gain: () => Constant | undefined;
  /** [width]; undefined where there is none. */
  readonly bias: (() => Constant | undefined) | undefined;
  /** The nodes that read the input. */
  readonly nodes: readonly GraphNode[];
}

/** LayerNorms of a graph in its order: as one operator (opset 17), or in the parts that it had before. */
export function findNorms(parts: GraphParts): Norm[] {
  return parts.nodes.flatMap((node) => wholeNorm(parts, node) ?? partedNorm(parts, node) ?? []);
}

function wholeNorm({ folder }: GraphParts, node: GraphNode): Norm | undefined {
  if (node.operator !== 'LayerNormalization') return undefined;
  const [input = '', gain = '', bias] = node.inputs;
  return {
    input,
    output: node.outputs[0] ?? '',
    gain: () => folder.valueOf(gain),
    bias: bias ? () => folder.valueOf(bias) : undefined,
    nodes: [node],
  };
}

/** (x - mean(x)) / sqrt(variance + epsilon) * gain + bias, found by its Div. */
function partedNorm(parts: GraphParts, node: GraphNode): Norm | undefined {
  if (node.operator !== 'Div') return undefined;
  const { producers, folder, readers } = parts;
  const [centre, deviation] = node.inputs.map((name) => producers.get(name));
  if (centre?.operator !== 'Sub' || deviation?.operator !== 'Sqrt') return undefined;
  const [input = '', mean = ''] = centre.inputs;
  const average = producers.get(mean);
  if (average?.operator !== 'ReduceMean' || average.inputs[0] !== input) return undefined;
  const scaled = follower(parts, node, 'Mul');
  const shifted = scaled && follower(parts, scaled.node, 'Add');
  if (scaled === undefined || shifted === undefined) return undefined;
  return {
    input,
    output: shifted.node.outputs[0] ?? '',
    gain: () => folder.valueOf(scaled.constant),
    bias: () => folder.valueOf(shifted.constant),
    nodes: readers.get(input)?.filter((reader) => reader === centre || reader === average) ?? [],
  };
}

/** The operator by a constant that reads what a node gives. */
function follower({ readers, folder }: GraphParts, node: GraphNode, operator: string) {
  for (const reader of readers.get(node.outputs[0] ?? '') ?? []) {
    const constant = reader.inputs.find((name) => folder.isConstant(name));
    if (reader.operator === operator && constant !== undefined) return { node: reader, constant };
  }
  return undefined;
}
