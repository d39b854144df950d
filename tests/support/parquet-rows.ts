import fc from 'fast-check';
import type { ColumnData, ColumnSpec } from '#datasets/parquet/columns.ts';
import { openParquet } from '#datasets/parquet/reader.ts';
import type { RowGroup } from '#datasets/parquet/row-group.ts';

/** One column of each kind. */
export const COLUMNS = [
  { name: 'id', type: 'utf8' },
  { name: 'source', type: 'utf8', nullable: true },
  { name: 'count', type: 'int32' },
  { name: 'old_count', type: 'int32', nullable: true },
  { name: 'score', type: 'float' },
  { name: 'old_score', type: 'float', nullable: true },
  { name: 'ids', type: 'list<int32>' },
  { name: 'logits', type: 'list<float>' },
] as const satisfies readonly ColumnSpec[];

/** A row with a cell for each of `COLUMNS`. */
export interface Row {
  readonly id: string;
  readonly source: string | null;
  readonly count: number;
  readonly old_count: number | null;
  readonly score: number;
  readonly old_score: number | null;
  readonly ids: readonly number[];
  readonly logits: readonly number[];
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', '\u0000', '😀', '\uFFFD', '\uFEFFmark', 'zwölf Boxkämpfer'),
);
const float = fc.float();

/** Any row: empty lists, empty texts, emoji, nulls, infinities, NaN. */
export const anyRow: fc.Arbitrary<Row> = fc.record(
  {
    id: text,
    source: fc.option(text),
    count: fc.maxSafeInteger().map((value) => value | 0),
    old_count: fc.option(fc.integer()),
    score: float,
    old_score: fc.option(float),
    ids: fc.array(fc.integer(), { maxLength: 20 }),
    logits: fc.array(float, { maxLength: 20 }),
  },
  { noNullPrototype: true },
);

/** Rows as the writer takes them. */
export function toColumns(rows: readonly Row[]): Record<string, ColumnData> {
  return {
    id: rows.map((row) => row.id),
    source: rows.map((row) => row.source),
    count: Int32Array.from(rows, (row) => row.count),
    old_count: rows.map((row) => row.old_count),
    score: Float32Array.from(rows, (row) => row.score),
    old_score: rows.map((row) => row.old_score),
    ids: {
      values: Int32Array.from(rows.flatMap((row) => row.ids)),
      offsets: offsetsOf(rows, 'ids'),
    },
    logits: {
      values: Float32Array.from(rows.flatMap((row) => row.logits)),
      offsets: offsetsOf(rows, 'logits'),
    },
  };
}

/** Opposite of `toColumns`. */
export function toRows(group: RowGroup): Row[] {
  const [ids, logits] = [group.listInt32('ids'), group.listFloat('logits')];
  const [sources, oldCounts, oldScores] = [
    group.utf8('source'),
    group.numbers('old_count'),
    group.numbers('old_score'),
  ];
  return group.texts('id').map((id, row) => ({
    id,
    source: sources[row] ?? null,
    count: group.int32('count')[row] ?? Number.NaN,
    old_count: oldCounts[row] ?? null,
    score: group.float('score')[row] ?? Number.NaN,
    old_score: oldScores[row] ?? null,
    ids: [...ids.values.subarray(ids.offsets[row], ids.offsets[row + 1])],
    logits: [...logits.values.subarray(logits.offsets[row], logits.offsets[row + 1])],
  }));
}

/** All rows of a file, through our reader. */
export async function readRows(path: string): Promise<Row[]> {
  const file = await openParquet(path);
  try {
    const groups: RowGroup[] = [];
    for (let index = 0; index < file.rowGroupCount; index++) {
      groups.push(await file.readRowGroup(index));
    }
    return groups.flatMap(toRows);
  } finally {
    await file.close();
  }
}

/** Other decoders (DuckDB's binding for Node, apache-arrow) drop a byte order mark in front of a text. */
export function withoutMark<T>(cell: T): T | string {
  return typeof cell === 'string' ? cell.replace(/^\uFEFF/, '') : cell;
}

/** Some base other than 0: a slice of a longer column has one. */
function offsetsOf(rows: readonly Row[], list: 'ids' | 'logits'): Int32Array {
  const offsets = new Int32Array(rows.length + 1).fill(7);
  for (const [row, cells] of rows.entries()) {
    offsets[row + 1] = (offsets[row] ?? 0) + cells[list].length;
  }
  return offsets;
}
