import type { ConstantFolder } from './constant-folding.ts';
import type { GraphNode } from './graph-nodes.ts';
import type { Constant } from './stored-constants.ts';

/** Embedding tables of an encoder, [rows, width] each. */
export interface Tables {
  readonly words: Constant | undefined;
  readonly positions: Constant | undefined;
  /** Undefined where tokens have no types. */
  readonly types: Constant | undefined;
}

/** The tables whose rows add up to a value: what the LayerNorm of the embeddings reads. */
export function findTables(
  value: string,
  producers: ReadonlyMap<string, GraphNode>,
  folder: ConstantFolder,
): Tables {
  const found = summands(value, producers).flatMap((name) => {
    const lookup = folder.lookupOf(name);
    if (lookup === undefined) return [];
    const input = lookup.index && inputBefore(lookup.index, producers);
    return [{ table: asMatrix(lookup.table), input }];
  });
  const words = found.find(({ input }) => input && !/type|segment/i.test(input))?.table;
  const others = found.map(({ table }) => table).filter((table) => table !== words);
  // A model knows two types and many places.
  others.sort((a, b) => (b.shape[0] ?? 0) - (a.shape[0] ?? 0));
  return { words, positions: others[0], types: others[1] };
}

function summands(value: string, producers: ReadonlyMap<string, GraphNode>): string[] {
  const node = producers.get(value);
  if (node?.operator === 'Add') return node.inputs.flatMap((name) => summands(name, producers));
  if (node !== undefined && AROUND.has(node.operator) && !isLookup(node, producers)) {
    return summands(node.inputs[0] ?? '', producers);
  }
  return [value];
}

/** Whether a node only moves the rows of one table. */
function isLookup(node: GraphNode, producers: ReadonlyMap<string, GraphNode>): boolean {
  const before = producers.get(node.inputs[0] ?? '');
  return before === undefined || !(before.operator === 'Add' || AROUND.has(before.operator));
}

/** The input of the model that a value is, or undefined where it is computed. */
function inputBefore(value: string, producers: ReadonlyMap<string, GraphNode>): string | undefined {
  const node = producers.get(value);
  if (node === undefined) return value;
  return AROUND.has(node.operator) ? inputBefore(node.inputs[0] ?? '', producers) : undefined;
}

/** A table of places may have an axis of one in front. */
function asMatrix({ shape, values }: Constant): Constant {
  const width = shape.at(-1) ?? 1;
  return { shape: [values.length / width, width], values };
}

const AROUND: ReadonlySet<string> = new Set([
  'Cast',
  'Identity',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
]);
