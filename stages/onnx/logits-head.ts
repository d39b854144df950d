import { type GraphNode, type GraphNodes, integerAttribute } from './graph-nodes.ts';
import type { Dimension } from './wire.ts';
import { bytesAsSource, dimensionsOf, fieldsOf, nested } from './wire-reader.ts';

/** A byte of a model in memory that is replaced; the file stays as it is. */
export interface ByteEdit {
  readonly offset: number;
  readonly value: number;
}

/** What makes logits of hidden states, token by token: the last matrix product and what follows it. */
export interface LogitsHead {
  /** The hidden states, [..., hidden]; their leading axes are those of the logits, perhaps as one. */
  readonly hidden: string;
  /** First the one that reads `hidden`; each further one reads the one before it. */
  readonly nodes: readonly { readonly node: GraphNode; readonly reads: string }[];
  /** Takes the head and the logits out of the graph, where nothing else reads them. */
  readonly edits: readonly ByteEdit[];
}

/**
 * Finds the head of a language model, so that a copy of it can answer for some tokens only. It ends with a
 * MatMul or Gemm by a constant matrix; a bias, scales and caps may follow. Undefined where the logits are
 * made otherwise (quantised over the whole batch, inside a Loop, by operators that mix tokens): then there
 * is nothing that is surely the same token by token.
 */
export function findLogitsHead(
  graph: GraphNodes,
  logits: { readonly name: string; readonly shape: readonly Dimension[] | undefined },
  /** Further values that somebody will read. */
  wanted: ReadonlySet<string> = new Set(),
): LogitsHead | undefined {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((out) => [out, node])));
  const chain: { node: GraphNode; reads: string }[] = [];
  let value = logits.name;
  let reshaped = false;
  for (;;) {
    const node = producers.get(value);
    if (node === undefined || node.domain !== '') return undefined;
    const reads = tokenwiseInput(node, graph, producers);
    if (reads === undefined) return undefined;
    chain.unshift({ node, reads });
    value = reads;
    if (node.operator === 'Reshape') reshaped = true;
    if (!ENDS.has(node.operator)) continue;
    // A Reshape that keeps the classes as the last axis only joins or parts the axes before it.
    const keepsClasses = widthOf(node, graph) === logits.shape?.at(-1);
    if (reshaped && !keepsClasses) return undefined;
    return {
      hidden: value,
      nodes: chain.filter((link) => link.node.operator !== 'Reshape'),
      edits: removal(graph, chain, logits.name, wanted),
    };
  }
}

type Producers = ReadonlyMap<string, GraphNode>;

/** The one input that is not constant, of a node that treats each token by itself. */
function tokenwiseInput(
  node: GraphNode,
  graph: GraphNodes,
  producers: Producers,
): string | undefined {
  const [first = '', second = ''] = node.inputs;
  const shapeOf = (name: string) => constantShape(name, graph, producers);
  if (UNARY.has(node.operator) || node.operator === 'Reshape') return first;
  if (BINARY.has(node.operator)) {
    if (isPerClass(shapeOf(second))) return first;
    return isPerClass(shapeOf(first)) ? second : undefined;
  }
  if (node.operator === 'MatMul') return shapeOf(second)?.length === 2 ? first : undefined;
  if (node.operator !== 'Gemm' || integerAttribute(node, 'transA', 0) !== 0) return undefined;
  const [, , bias = ''] = node.inputs;
  const hasPlainBias = bias === '' || isPerClass(shapeOf(bias));
  return hasPlainBias && shapeOf(second)?.length === 2 ? first : undefined;
}

/** Nothing but the last axis differs from 1: the same for every token. */
function isPerClass(shape: readonly number[] | undefined): boolean {
  return shape !== undefined && shape.length <= 2 && shape.slice(0, -1).every((size) => size === 1);
}

/** Shape of a constant, also of one that is cast, transposed or restored from fewer bits first. */
function constantShape(
  name: string,
  graph: GraphNodes,
  producers: Producers,
): readonly number[] | undefined {
  const own = graph.constants.get(name);
  if (own !== undefined) return own;
  const node = producers.get(name);
  if (node?.operator === 'Constant') return valueShape(node);
  if (node === undefined || node.domain !== '' || !RESTORES.has(node.operator)) return undefined;
  const shapes = node.inputs.filter(Boolean).map((input) => constantShape(input, graph, producers));
  if (shapes.includes(undefined)) return undefined;
  const [shape] = shapes;
  // Without `perm` the axes are turned round; a matrix has no other order to be in.
  return node.operator === 'Transpose' ? shape?.toReversed() : shape;
}

/** Shape of the tensor that a Constant node is; undefined where it is written in another form. */
function valueShape({ attributes: [bytes = new Uint8Array()] }: GraphNode) {
  const source = bytesAsSource(bytes);
  const value = [...fieldsOf(source, 0, source.size)].find(({ number }) => number === 5);
  if (value === undefined) return undefined;
  return [...nested(source, value)].flatMap((part) =>
    part.number === 1 ? dimensionsOf(source, part) : [],
  );
}

/** Columns of the matrix that a head multiplies by. */
function widthOf(node: GraphNode, { constants }: GraphNodes): number | undefined {
  const shape = constants.get(node.inputs[1] ?? '');
  const isTurned = node.operator === 'Gemm' && integerAttribute(node, 'transB', 0) !== 0;
  return isTurned ? shape?.[0] : shape?.[1];
}

/**
 * ONNX Runtime computes every node that is in the graph, asked for or not: on two cores the head over all
 * tokens would take ten times what the asked ones take. A tag of one byte decides what a field is, so the
 * logits become a described value instead of an output, and dead nodes a field that ONNX has no name for.
 */
function removal(
  graph: GraphNodes,
  chain: readonly { readonly node: GraphNode }[],
  logits: string,
  wanted: ReadonlySet<string>,
): ByteEdit[] {
  const tag = graph.outputTags.get(logits);
  if (tag === undefined) return [];
  const edits: ByteEdit[] = [{ offset: tag, value: VALUE_INFO_TAG }];
  const dead = new Set<GraphNode>();
  for (const { node } of chain.toReversed()) {
    const isRead = node.outputs.some(
      (output) => wanted.has(output) || isNeeded(output, graph, dead, logits),
    );
    if (isRead) break;
    dead.add(node);
    edits.push({ offset: node.tagOffset, value: UNNAMED_TAG });
  }
  // An output without a node that makes it is no model; one that others read stays an output.
  return dead.size === 0 ? [] : edits;
}

function isNeeded(
  value: string,
  graph: GraphNodes,
  dead: ReadonlySet<GraphNode>,
  logits: string,
): boolean {
  const isOutput = value !== logits && graph.outputTags.has(value);
  const isRead = graph.nodes.some((node) => !dead.has(node) && node.inputs.includes(value));
  return isOutput || isRead || graph.namedInBodies.has(value);
}

const ENDS: ReadonlySet<string> = new Set(['MatMul', 'Gemm']);
const UNARY: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Tanh']);
const BINARY: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div']);
const RESTORES: ReadonlySet<string> = new Set([
  'Cast',
  'DequantizeLinear',
  'Identity',
  'Mul',
  'Sub',
  'Transpose',
]);

// GraphProto: 13 is value_info, 3 is reserved and skipped by every reader.
const VALUE_INFO_TAG = 13 * 8 + 2;
const UNNAMED_TAG = 3 * 8 + 2;
