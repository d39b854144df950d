import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { readAnswers } from '#datasets/answers.ts';
import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import { SPLITS } from '#datasets/example.ts';
import { identityOf } from '#datasets/example-id.ts';
import { isForgotten, type Tombstones } from '#datasets/tombstones.ts';
import type { Project } from '#pipeline/project.ts';
import { corpusColumnsOf } from '#stages/prepare/read-corpus.ts';

/** A file of the user that still holds forgotten rows. It is theirs: it is named and never touched. */
export interface SourceFile {
  readonly name: string;
  /** Null: too large to look, or unreadable. */
  readonly rows: number | null;
}

/** Files of corpus and answers that hold forgotten rows, and those that nobody has looked into. */
export async function sourceFilesWith(
  { graph, loaded }: Project,
  tombstones: Tombstones,
): Promise<SourceFile[]> {
  const files = graph.find(({ name }) => name === 'prepare')?.files ?? {};
  const paths = [...new Set(SPLITS.flatMap((split) => files[split] ?? []))];
  const answers = new Set(graph.flatMap((instance) => instance.files['answers'] ?? []));
  const found: SourceFile[] = [];
  for (const [path, count] of [
    ...paths.map((path) => [path, corpusRows] as const),
    ...[...answers].map((path) => [path, answerRows] as const),
  ]) {
    const rows = await rowsIn(path, () => count(path, loaded.config, tombstones));
    if (rows !== 0) found.push({ name: basename(path), rows });
  }
  return found;
}

type Config = Project['loaded']['config'];

async function corpusRows(
  path: string,
  { corpus, task }: Config,
  tombstones: Tombstones,
): Promise<number> {
  let rows = 0;
  for await (const entry of openCorpus(path, corpusColumnsOf({ task, ...corpus }), task)) {
    if (entry.type !== 'row') continue;
    if (isForgotten(tombstones, identityOf(entry.row))) rows += 1;
  }
  return rows;
}

/** Answers that go by an id of the corpus cannot be told apart any more: nobody knows whose it was. */
async function answerRows(
  path: string,
  { corpus }: Config,
  tombstones: Tombstones,
): Promise<number> {
  let rows = 0;
  for await (const { about } of readAnswers([path], corpus.columns)) {
    if ('exampleId' in about && isForgotten(tombstones, { ...about, leakKey: null })) rows += 1;
  }
  return rows;
}

async function rowsIn(path: string, count: () => Promise<number>): Promise<number | null> {
  try {
    return (await stat(path)).size > MOST_BYTES ? null : await count();
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isGone || error instanceof Failure) return null;
    throw error;
  }
}

/** A few seconds of reading. */
const MOST_BYTES = 2 ** 28;
