import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import { SPLITS } from '#datasets/example.ts';
import { identityOf } from '#datasets/example-id.ts';
import { isForgotten, type Tombstones } from '#datasets/tombstones.ts';
import type { Project } from '#pipeline/project.ts';

/** A file of the user that still holds forgotten rows. It is theirs: it is named and never touched. */
export interface SourceFile {
  readonly name: string;
  /** Null: too large to look, or unreadable. */
  readonly rows: number | null;
}

/** Corpus files that hold forgotten rows, and those that nobody has looked into. */
export async function sourceFilesWith(
  { graph, loaded }: Project,
  tombstones: Tombstones,
): Promise<SourceFile[]> {
  const files = graph.find(({ name }) => name === 'prepare')?.files ?? {};
  const paths = [...new Set(SPLITS.flatMap((split) => files[split] ?? []))];
  const found: SourceFile[] = [];
  for (const path of paths) {
    const rows = await rowsIn(path, loaded.config, tombstones);
    if (rows !== 0) found.push({ name: basename(path), rows });
  }
  return found;
}

async function rowsIn(
  path: string,
  { corpus, task }: Project['loaded']['config'],
  tombstones: Tombstones,
): Promise<number | null> {
  try {
    if ((await stat(path)).size > MOST_BYTES) return null;
    let rows = 0;
    for await (const entry of openCorpus(path, corpus.columns, task)) {
      if (entry.type !== 'row') continue;
      if (isForgotten(tombstones, identityOf(entry.row))) rows += 1;
    }
    return rows;
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isGone || error instanceof Failure) return null;
    throw error;
  }
}

/** A few seconds of reading. */
const MOST_BYTES = 2 ** 28;
