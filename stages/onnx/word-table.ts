import { BrokenModelError } from './model-skim.ts';
import {
  type ByteSource,
  dimensionsOf,
  type Field,
  fieldsOf,
  nested,
  textOf,
  WireError,
  withFileSource,
} from './wire-reader.ts';

/**
 * Rows of the table that a model looks its `input_ids`, or the ids of another input, up in: how many tokens it
 * knows. Undefined where the graph does not show it.
 */
export function wordTableRows(path: string, input = 'input_ids'): number | undefined {
  return withFileSource(path, (source) => {
    try {
      return rowsIn(source, input);
    } catch (error) {
      throw error instanceof WireError ? new BrokenModelError(path, error.message) : error;
    }
  });
}

interface Node {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly output: string;
}

function rowsIn(source: ByteSource, input: string): number | undefined {
  const nodes: Node[] = [];
  const rows = new Map<string, number>();
  for (const field of fieldsOf(source, 0, source.size)) {
    if (field.number !== MODEL_GRAPH) continue;
    for (const part of nested(source, field)) {
      if (part.number === GRAPH_NODE) nodes.push(nodeOf(source, part));
      if (part.number === GRAPH_INITIALIZER) addRows(source, part, rows);
    }
  }
  return rows.get(tableOf(nodes, input) ?? '');
}

/** The table of the first lookup by ids; nodes stand in the order of their computation. */
function tableOf(nodes: readonly Node[], input: string): string | undefined {
  const ids = new Set([input]);
  const origin = new Map<string, string>();
  for (const { operator, inputs, output } of nodes) {
    const [first = '', second = ''] = inputs;
    if (operator === 'Gather' && ids.has(second)) return origin.get(first) ?? first;
    if (!UNCHANGED.has(operator)) continue;
    if (ids.has(first)) ids.add(output);
    else origin.set(output, origin.get(first) ?? first);
  }
  return undefined;
}

function nodeOf(source: ByteSource, part: Field): Node {
  const inputs: string[] = [];
  let [output, operator] = ['', ''];
  for (const field of nested(source, part)) {
    if (field.number === 1) inputs.push(textOf(source, field));
    else if (field.number === 2) output ||= textOf(source, field);
    else if (field.number === 4) operator = textOf(source, field);
  }
  return { operator, inputs, output };
}

function addRows(source: ByteSource, part: Field, rows: Map<string, number>): void {
  let name = '';
  let first: number | undefined;
  for (const field of nested(source, part)) {
    if (field.number === 1) first ??= dimensionsOf(source, field)[0];
    else if (field.number === 8) name = textOf(source, field);
  }
  if (first !== undefined) rows.set(name, first);
}

/** Operators after which ids are the same ids, or a table the same rows. */
const UNCHANGED: ReadonlySet<string> = new Set(['Cast', 'Identity', 'DequantizeLinear']);

const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
