import { ConstantFolder } from './constant-folding.ts';
import { findLinears, type Linear } from './graph-linears.ts';
import { type GraphNode, readGraphNodes } from './graph-nodes.ts';
import { findNorms, type Norm } from './graph-norms.ts';
import { findTables, type Tables } from './graph-tables.ts';
import { storedConstants } from './stored-constants.ts';

/** The parts of one encoder layer of BERT's kind: attention, norm, feed-forward part, norm. */
export interface EncoderLayer {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly attended: Linear;
  readonly attendedNorm: Norm;
  readonly wide: Linear;
  readonly narrow: Linear;
  readonly narrowNorm: Norm;
}

/** An encoder of BERT's kind as its graph shows it. */
export interface EncoderGraph {
  readonly tables: Tables;
  readonly norm: Norm;
  readonly layers: readonly EncoderLayer[];
  /** What follows the last layer, in its order. */
  readonly head: readonly Linear[];
}

/** The graph is none of BERT's kind; the callers say of which file. */
export class EncoderGraphError extends Error {}

/**
 * Finds the weights of an encoder of BERT's kind by what is done with them and not by their names, which
 * exporters lose when they fold transposes and casts: a product that meets another one before a softmax is
 * the query or the key, one that a softmax weighs is the value.
 */
export function readEncoderGraph(path: string): EncoderGraph {
  const { nodes } = readGraphNodes(path);
  const graph = new Wiring(nodes, storedConstants(path));
  const softmaxes = nodes.filter(({ operator, domain }) => operator === 'Softmax' && domain === '');
  const layers = softmaxes.flatMap((node) => layerAt(graph, node) ?? []);
  const [first] = layers;
  const last = layers.at(-1);
  if (first === undefined || last === undefined) {
    const operators = [...new Set(nodes.map(({ operator }) => operator))].sort().join(', ');
    throw new EncoderGraphError(
      `no attention of BERT's kind is in it; its operators: ${operators}`,
    );
  }
  const norm = graph.norms.find(({ output }) => graph.sourceOf(first.query.input) === output);
  if (norm === undefined) throw new EncoderGraphError('its embeddings have no LayerNorm');
  return {
    tables: findTables(norm.input, graph.producers, graph.folder),
    norm,
    layers,
    head: headBehind(graph, last.narrowNorm),
  };
}

/** Who makes and who reads each value, and what is known of the products and norms among them. */
class Wiring {
  readonly producers: ReadonlyMap<string, GraphNode>;
  readonly folder: ConstantFolder;
  readonly norms: readonly Norm[];
  readonly #readers = new Map<string, GraphNode[]>();
  readonly #linears: ReadonlyMap<GraphNode, Linear>;
  readonly #made: ReadonlyMap<string, Linear | Norm>;

  constructor(nodes: readonly GraphNode[], stored: ReturnType<typeof storedConstants>) {
    this.producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
    this.folder = new ConstantFolder(stored, this.producers);
    for (const node of nodes) {
      for (const input of new Set(node.inputs)) {
        const readers = this.#readers.get(input);
        if (readers === undefined) this.#readers.set(input, [node]);
        else readers.push(node);
      }
    }
    const parts = { nodes, producers: this.producers, readers: this.#readers, folder: this.folder };
    this.#linears = findLinears(parts);
    this.norms = findNorms(parts);
    const all = [...this.#linears.values(), ...this.norms];
    this.#made = new Map(all.map((one) => [one.output, one]));
  }

  readersOf(value: string): readonly GraphNode[] {
    return this.#readers.get(value) ?? [];
  }

  /** The product that a value comes from, through what only moves, scales or casts its numbers. */
  linearBefore(value: string): Linear | undefined {
    const made = this.#made.get(value);
    if (made !== undefined) return 'weight' in made ? made : undefined;
    const node = this.producers.get(value);
    if (node === undefined || !MOVES.has(node.operator)) return undefined;
    const inputs = SCALES.has(node.operator) ? node.inputs : node.inputs.slice(0, 1);
    return firstOf(inputs, (input) => this.linearBefore(input));
  }

  /** The product of two values that both are none of the constants, before `value`. */
  meetingBefore(value: string): GraphNode | undefined {
    const node = this.producers.get(value);
    if (node === undefined || this.#made.has(value)) return undefined;
    if (node.operator === 'MatMul') return node;
    if (!MOVES.has(node.operator)) return undefined;
    return firstOf(node.inputs, (input) => this.meetingBefore(input));
  }

  /** The first product of two values behind `value`. */
  meetingBehind(value: string): GraphNode | undefined {
    return firstOf(this.readersOf(value), (node) => {
      if (node.operator === 'MatMul') return node;
      if (!MOVES.has(node.operator)) return undefined;
      return firstOf(node.outputs, (output) => this.meetingBehind(output));
    });
  }

  /** The products by a constant that read a value first, in the order of the graph. */
  linearBehind(value: string): Linear | undefined {
    return this.#behind(value, (node) => this.#linears.get(node));
  }

  normBehind(value: string): Norm | undefined {
    return this.#behind(value, (node) => this.norms.find(({ nodes }) => nodes.includes(node)));
  }

  /** A value before it was moved or cast. */
  sourceOf(value: string): string {
    const node = this.producers.get(value);
    if (this.#made.has(value) || node === undefined || !PLAIN_MOVES.has(node.operator))
      return value;
    return this.sourceOf(node.inputs[0] ?? '');
  }

  /** Breadth first, never beyond a product, a norm or the shape of a value. */
  #behind<T>(value: string, find: (node: GraphNode) => T | undefined): T | undefined {
    const seen = new Set<string>();
    let values = [value];
    while (values.length > 0) {
      const nodes = values.flatMap((name) => this.readersOf(name));
      const found = firstOf(nodes, find);
      if (found !== undefined) return found;
      const next = nodes
        .filter((node) => node.operator !== 'Shape' && !this.#linears.has(node))
        .filter((node) => !this.norms.some(({ nodes: own }) => own.includes(node)))
        .flatMap((node) => node.outputs);
      values = next.filter((name) => !seen.has(name));
      for (const name of values) seen.add(name);
    }
    return undefined;
  }
}

/** The layer whose attention ends in this softmax; undefined where it is none of BERT's kind. */
function layerAt(graph: Wiring, softmax: GraphNode): EncoderLayer | undefined {
  const scores = graph.meetingBefore(softmax.inputs[0] ?? '');
  const context = graph.meetingBehind(softmax.outputs[0] ?? '');
  const [query, key] = (scores?.inputs ?? []).map((input) => graph.linearBefore(input));
  const value = graph.linearBefore(context?.inputs[1] ?? '');
  const attended = graph.linearBehind(context?.outputs[0] ?? '');
  if (!query || !key || !value || !attended) return undefined;
  if (new Set([query, key, value]).size < 3) return undefined;
  const attendedNorm = graph.normBehind(attended.output);
  const wide = attendedNorm && graph.linearBehind(attendedNorm.output);
  const narrow = wide && graph.linearBehind(wide.output);
  const narrowNorm = narrow && graph.normBehind(narrow.output);
  if (!attendedNorm || !wide || !narrow || !narrowNorm) return undefined;
  return { query, key, value, attended, attendedNorm, wide, narrow, narrowNorm };
}

function headBehind(graph: Wiring, norm: Norm): Linear[] {
  const head: Linear[] = [];
  for (;;) {
    const linear = graph.linearBehind((head.at(-1) ?? norm).output);
    if (linear === undefined) return head;
    head.push(linear);
  }
}

function firstOf<Item, Found>(
  items: readonly Item[],
  find: (item: Item) => Found | undefined,
): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

const PLAIN_MOVES: ReadonlySet<string> = new Set([
  'Cast',
  'Dropout',
  'Expand',
  'Gather',
  'Identity',
  'Reshape',
  'Slice',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);
const SCALES: ReadonlySet<string> = new Set(['Add', 'Div', 'Mul', 'Where']);
const MOVES: ReadonlySet<string> = new Set([...PLAIN_MOVES, ...SCALES]);
