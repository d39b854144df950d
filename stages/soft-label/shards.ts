import { join } from 'node:path';
import { SPLITS, type Split } from '#datasets/example.ts';
import { exampleStarts } from '#datasets/example-blocks.ts';
import type { TeacherCorpus, TeacherRow } from './teacher-rows.ts';

/** One file to be: a fixed number of examples in corpus order. */
export interface Shard {
  readonly split: Split;
  readonly path: string;
  readonly rows: readonly TeacherRow[];
}

/** Cuts each split into shards; a split without rows gets one empty file, which readers can open. */
export function planShards(
  corpus: TeacherCorpus,
  folderOf: (split: Split) => string,
  shardRows: number,
): Shard[] {
  return SPLITS.flatMap((split) => {
    const rows = corpus.rows[split];
    const starts = exampleStarts(rows.map(({ exampleId }) => exampleId));
    const startOf = (shard: number) => starts[shard * shardRows] ?? rows.length;
    const count = Math.max(1, Math.ceil((starts.length - 1) / shardRows));
    return Array.from({ length: count }, (_, index) => ({
      split,
      path: join(folderOf(split), `part-${String(index).padStart(5, '0')}.parquet`),
      rows: rows.slice(startOf(index), startOf(index + 1)),
    }));
  });
}
