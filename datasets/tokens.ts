import { join } from 'node:path';
import type { ColumnSpec, ListColumn } from '#datasets/parquet/columns.ts';
import { CorruptParquetError, ParquetValueError } from '#datasets/parquet/errors.ts';
import { readGroups, type TableFormat, writeTable } from './table-file.ts';

/** Token ids of every example of one split under one tokenizer. */
export interface TokenTable {
  readonly exampleIds: readonly string[];
  /** rows + 1; example r is `tokenIds[offsets[r] .. offsets[r + 1]]`. */
  readonly offsets: Int32Array;
  readonly tokenIds: Int32Array;
  /** Parallel to `tokenIds`; null where the examples are not pairs. */
  readonly typeIds: Int32Array | null;
  /** 1 where the text did not fit into `maxLength`. */
  readonly truncated: Uint8Array;
  /** Of tasks with an answer for each word or token; left out where an example has one. */
  readonly answers?: TokenAnswers;
  /** Of texts that are read in windows: where each window of an example ends among its tokens. */
  readonly windowEnds?: ListColumn<Int32Array>;
  readonly tokenizerDigest: string;
  /** In tokens, special ones included. */
  readonly maxLength: number;
}

/** Which tokens of each example a teacher answers for. */
export interface TokenAnswers {
  /** rows + 1; the answers of example r are `offsets[r] .. offsets[r + 1]`. */
  readonly offsets: Int32Array;
  /** Places among the tokens of the example, from 0, ascending. */
  readonly at: Int32Array;
  /** Parallel to `at`: what an answer is called in the cache, ascending (the number of the word, or of the token). */
  readonly positions: Int32Array;
}

/** Writes `tokens.parquet`. */
export async function writeTokens(folder: string, table: TokenTable): Promise<void> {
  const { exampleIds, offsets, tokenIds, typeIds, truncated, answers, windowEnds } = table;
  const path = pathIn(folder);
  checkLengths(path, table);
  await writeTable(
    path,
    formatOf({
      isPair: typeIds !== null,
      hasAnswers: answers !== undefined,
      hasWindows: windowEnds !== undefined,
    }),
    {
      rowCount: exampleIds.length,
      metadata: { [TOKENIZER_KEY]: table.tokenizerDigest, [LENGTH_KEY]: String(table.maxLength) },
      slice: (from, to) => {
        const list = sliceList(offsets, from, to);
        const answered = answers && sliceList(answers.offsets, from, to);
        return {
          example_id: exampleIds.slice(from, to),
          token_ids: list(tokenIds),
          ...(typeIds !== null && { type_ids: list(typeIds) }),
          ...(answered && {
            answer_at: answered(answers.at),
            answer_positions: answered(answers.positions),
          }),
          ...(windowEnds && {
            window_ends: sliceList(windowEnds.offsets, from, to)(windowEnds.values),
          }),
          truncated: Int32Array.from(truncated.subarray(from, to)),
        };
      },
    },
  );
}

function sliceList(offsets: Int32Array, from: number, to: number) {
  return (values: Int32Array): ListColumn<Int32Array> => ({
    values: values.subarray(offsets[from], offsets[to]),
    offsets: offsets.subarray(from, to + 1),
  });
}

/** Reads what `writeTokens` wrote, in the same order. */
export async function readTokens(folder: string): Promise<TokenTable> {
  const path = pathIn(folder);
  const { groups, columns, metadata } = await readGroups(path, formatOf({}));
  const lists = (name: string) => joinLists(groups.map((group) => group.listInt32(name)));
  const tokens = lists('token_ids');
  const types = columns.has(TYPE_IDS.name) ? lists(TYPE_IDS.name) : null;
  if (types?.offsets.some((offset, row) => offset !== tokens.offsets[row])) {
    throw new CorruptParquetError(path, 'token_ids and type_ids are not equally long');
  }
  return {
    ...(columns.has(ANSWER_AT.name) && { answers: answersIn(path, lists) }),
    ...(columns.has(WINDOW_ENDS.name) && { windowEnds: lists(WINDOW_ENDS.name) }),
    exampleIds: groups.flatMap((group) => group.texts('example_id')),
    offsets: tokens.offsets,
    tokenIds: tokens.values,
    typeIds: types === null ? null : types.values,
    truncated: Uint8Array.from(groups.flatMap((group) => Array.from(group.int32('truncated')))),
    ...provenanceOf(path, metadata),
  };
}

function answersIn(path: string, lists: (name: string) => ListColumn<Int32Array>): TokenAnswers {
  const [at, positions] = [lists(ANSWER_AT.name), lists(ANSWER_POSITIONS.name)];
  if (positions.offsets.some((offset, row) => offset !== at.offsets[row])) {
    throw new CorruptParquetError(path, 'answer_at and answer_positions are not equally long');
  }
  return { offsets: at.offsets, at: at.values, positions: positions.values };
}

/** The rows at these positions, in this order. */
export function takeTokens(table: TokenTable, rows: readonly number[]): TokenTable {
  const { tokenIds, typeIds, answers, windowEnds } = table;
  const { offsets, gather } = takeLists(table.offsets, rows);
  const answered = answers && takeLists(answers.offsets, rows);
  const windows = windowEnds && takeLists(windowEnds.offsets, rows);
  return {
    ...table,
    exampleIds: rows.map((row) => table.exampleIds[row] ?? ''),
    offsets,
    tokenIds: gather(tokenIds),
    typeIds: typeIds === null ? null : gather(typeIds),
    ...(answered && {
      answers: {
        offsets: answered.offsets,
        at: answered.gather(answers.at),
        positions: answered.gather(answers.positions),
      },
    }),
    ...(windows && {
      windowEnds: { offsets: windows.offsets, values: windows.gather(windowEnds.values) },
    }),
    truncated: Uint8Array.from(rows, (row) => table.truncated[row] ?? 0),
  };
}

/** Where the lists of these rows come to lie, and what puts the values of a column there. */
function takeLists(offsets: Int32Array, rows: readonly number[]) {
  const taken = new Int32Array(rows.length + 1);
  for (const [index, row] of rows.entries()) {
    taken[index + 1] = (taken[index] ?? 0) + (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
  }
  const gather = (values: Int32Array): Int32Array => {
    const gathered = new Int32Array(taken.at(-1) ?? 0);
    for (const [index, row] of rows.entries()) {
      gathered.set(values.subarray(offsets[row], offsets[row + 1]), taken[index]);
    }
    return gathered;
  };
  return { offsets: taken, gather };
}

function provenanceOf(path: string, metadata: Readonly<Record<string, string>>) {
  const { [TOKENIZER_KEY]: tokenizerDigest, [LENGTH_KEY]: maxLength } = metadata;
  if (tokenizerDigest !== undefined && Number(maxLength) > 0) {
    return { tokenizerDigest, maxLength: Number(maxLength) };
  }
  throw new CorruptParquetError(path, `the footer lacks ${TOKENIZER_KEY} or ${LENGTH_KEY}`);
}

function checkLengths(path: string, table: TokenTable): void {
  const rowCount = table.exampleIds.length;
  if (table.offsets[0] !== 0) throw new ParquetValueError(path, 'offsets', 'do not begin at 0');
  const tokenCount = table.offsets[rowCount] ?? Number.NaN;
  const lengths: readonly Length[] = [
    ['offsets', table.offsets.length, rowCount + 1],
    ['token_ids', table.tokenIds.length, tokenCount],
    ['type_ids', table.typeIds?.length ?? tokenCount, tokenCount],
    ['truncated', table.truncated.length, rowCount],
    ...answerLengths(table, rowCount),
    ['offsets of window_ends', table.windowEnds?.offsets.length ?? rowCount + 1, rowCount + 1],
  ];
  for (const [name, found, wanted] of lengths) {
    if (found !== wanted) throw new ParquetValueError(path, name, `${found} values, not ${wanted}`);
  }
}

type Length = readonly [name: string, found: number, wanted: number];

function answerLengths({ answers }: TokenTable, rowCount: number): Length[] {
  if (answers === undefined) return [];
  const count = answers.offsets[rowCount] ?? Number.NaN;
  return [
    ['offsets of answer_at', answers.offsets.length, rowCount + 1],
    ['answer_at', answers.at.length, count],
    ['answer_positions', answers.positions.length, count],
  ];
}

function joinLists(parts: readonly ListColumn<Int32Array>[]): ListColumn<Int32Array> {
  const rowCount = parts.reduce((sum, part) => sum + part.offsets.length - 1, 0);
  const values = new Int32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  const offsets = new Int32Array(rowCount + 1);
  let [row, start] = [0, 0];
  for (const part of parts) {
    values.set(part.values, start);
    // Offsets of a row group begin at 0.
    offsets.set(
      part.offsets.map((offset) => offset + start),
      row,
    );
    row += part.offsets.length - 1;
    start += part.values.length;
  }
  return { values, offsets };
}

/** A reader asks for what is always there; the other columns tell by being there. */
function formatOf(has: {
  readonly isPair?: boolean;
  readonly hasAnswers?: boolean;
  readonly hasWindows?: boolean;
}): TableFormat {
  return {
    name: 'tokens',
    formatVersion: 1,
    columns: [
      { name: 'example_id', type: 'utf8' },
      { name: 'token_ids', type: 'list<int32>' },
      ...(has.isPair ? [TYPE_IDS] : []),
      ...(has.hasAnswers ? [ANSWER_AT, ANSWER_POSITIONS] : []),
      ...(has.hasWindows ? [WINDOW_ENDS] : []),
      { name: 'truncated', type: 'int32' },
    ],
  };
}

function pathIn(folder: string): string {
  return join(folder, 'tokens.parquet');
}

const TYPE_IDS: ColumnSpec = { name: 'type_ids', type: 'list<int32>' };
const ANSWER_AT: ColumnSpec = { name: 'answer_at', type: 'list<int32>' };
const ANSWER_POSITIONS: ColumnSpec = { name: 'answer_positions', type: 'list<int32>' };
const WINDOW_ENDS: ColumnSpec = { name: 'window_ends', type: 'list<int32>' };
const TOKENIZER_KEY = 'decant.tokenizer_digest';
const LENGTH_KEY = 'decant.max_length';
