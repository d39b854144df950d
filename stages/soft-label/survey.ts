import { join } from 'node:path';
import { SPLITS, type Split } from '#datasets/example.ts';
import type { SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import { higherTokens } from './known-tokens.ts';
import type { SealedPlaces } from './sealed-places.ts';
import { type Shard, shardOf } from './shards.ts';
import type { StoredRow } from './stored-rows.ts';
import { blocksOf, type SplitRows, type TeacherCorpus } from './teacher-corpus.ts';
import { detached, type TeacherRow } from './teacher-rows.ts';

/** What one look at all rows has shown: of each row some numbers, and of the whole corpus neither text nor token. */
export interface Survey {
  readonly shards: readonly Shard[];
  /** Where rows that are taken over were computed. */
  readonly sources: ReadonlySet<SoftLabelReader>;
  /** Rows with a token higher than any before them, in corpus order. */
  readonly highest: readonly TeacherRow[];
  /** Rows that are left out, and the first of them. */
  readonly left: { readonly count: number; readonly first: readonly TeacherRow[] };
}

/**
 * Reads the corpus once and cuts each split into shards of so many examples; a split without rows gets one empty file,
 * which readers can open. Sees every row in `places`.
 */
export async function surveyCorpus(
  corpus: TeacherCorpus,
  options: {
    readonly folderOf: (split: Split) => string;
    readonly shardRows: number;
    readonly places: Pick<SealedPlaces, 'see'>;
    /** Which rows are meant at all. */
    readonly isAsked: (row: TeacherRow) => boolean;
  },
): Promise<Survey> {
  const { folderOf, shardRows, places, isAsked } = options;
  const shards: Shard[] = [];
  const sources = new Set<SoftLabelReader>();
  const highest: TeacherRow[] = [];
  const left = { count: 0, first: [] as TeacherRow[] };
  const isHigher = higherTokens();
  const isFresh = (row: TeacherRow) => {
    const place = places.see(row.exampleId);
    if (place !== undefined) sources.add(place.reader);
    if (isHigher(row)) highest.push(detached(row));
    return place === undefined;
  };
  const isTaken = (row: TeacherRow) => {
    if (isAsked(row)) return true;
    left.count += 1;
    if (left.first.length < NAMED_ROWS) left.first.push(detached(row));
    return false;
  };
  for (const split of SPLITS) {
    const rowsOf = corpus.splits.find((one) => one.split === split) ?? NO_ROWS;
    let index = 0;
    for await (const { rows, from, to } of cutRows(rowsOf, shardRows, isTaken)) {
      const path = join(folderOf(split), `part-${String(index++).padStart(5, '0')}.parquet`);
      const read = async () => (await rowsOf.read(from, to)).filter(isAsked);
      shards.push(shardOf(rows, { split, path, read }, isFresh));
    }
  }
  return { shards, sources, highest, left };
}

/** Rows of so many examples, and between which examples of the split they lie; the last ones are fewer, or none. */
async function* cutRows(
  split: Pick<SplitRows, 'exampleCount' | 'read'>,
  shardRows: number,
  isTaken: (row: TeacherRow) => boolean,
) {
  let [rows, examples, from] = [[] as StoredRow[], 0, 0];
  for await (const block of blocksOf(split)) {
    for (const row of block.filter(isTaken)) {
      const isNew = row.exampleId !== rows.at(-1)?.exampleId;
      if (isNew && examples === shardRows) {
        yield { rows, from, to: row.at };
        [rows, examples, from] = [[], 0, row.at];
      }
      rows.push(row);
      if (isNew) examples += 1;
    }
  }
  yield { rows, from, to: split.exampleCount };
}

const NO_ROWS = { exampleCount: 0, read: async () => [] };
const NAMED_ROWS = 3;
