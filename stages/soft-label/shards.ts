import { createHash } from 'node:crypto';
import type { Split } from '#datasets/example.ts';
import { exampleStarts } from '#datasets/example-blocks.ts';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import { answerCount, rowLength, type TeacherRow } from './teacher-rows.ts';

/** One file to be: a fixed number of examples in corpus order. Its rows are read when it is made. */
export interface Shard {
  readonly split: Split;
  readonly path: string;
  /** Of all its rows. */
  readonly all: RowSizes;
  /** Of the rows that no sealed artifact holds: they meet the teacher. */
  readonly fresh: RowSizes;
  /** Digest of its examples and of how many answers each has: see `contentOf`. */
  readonly content: string;
  read(): Promise<readonly TeacherRow[]>;
}

/** What must be known of rows before they are read. */
export interface RowSizes {
  readonly count: number;
  /** In tokens. */
  readonly lengths: Int32Array;
  /** Undefined where each row has one answer. */
  readonly answerCounts: Int32Array | undefined;
}

/** A shard of these rows. */
export function shardOf(
  rows: readonly TeacherRow[],
  place: Pick<Shard, 'split' | 'path' | 'read'>,
  isFresh: (row: TeacherRow) => boolean = () => true,
): Shard {
  const fresh = rows.filter(isFresh);
  const all = sizesOf(rows);
  return {
    ...place,
    all,
    fresh: fresh.length === rows.length ? all : sizesOf(fresh),
    content: contentOf(
      rows.map(({ exampleId }) => exampleId),
      (row) => answerCount(rows[row] ?? {}),
    ),
  };
}

/** Of several parts end to end. */
export function joinSizes(parts: readonly RowSizes[]): RowSizes {
  const hasCounts = parts.some(({ answerCounts }) => answerCounts !== undefined);
  const counts = parts.map(
    ({ count, answerCounts }) => answerCounts ?? new Int32Array(count).fill(1),
  );
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    lengths: joinNumbers(
      parts.map(({ lengths }) => lengths),
      Int32Array,
    ),
    answerCounts: hasCounts ? joinNumbers(counts, Int32Array) : undefined,
  };
}

function sizesOf(rows: readonly TeacherRow[]): RowSizes {
  const isOneOfSeveral = rows.some(({ answers }) => answers !== undefined);
  return {
    count: rows.length,
    lengths: Int32Array.from(rows, rowLength),
    answerCounts: isOneOfSeveral ? Int32Array.from(rows, answerCount) : undefined,
  };
}

/** Digest of the examples, whose rows stand together, and of how many answers each has. */
export function contentOf(
  exampleIds: readonly string[],
  countOf: (row: number) => number = () => 1,
): string {
  const starts = exampleStarts(exampleIds);
  const lines = starts.slice(0, -1).map((start, index) => {
    let count = 0;
    for (let row = start; row < (starts[index + 1] ?? start); row++) count += countOf(row);
    return `${exampleIds[start]} ${count}`;
  });
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
