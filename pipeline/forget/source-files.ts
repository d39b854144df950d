import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { readAnswers } from '#datasets/answers/answers.ts';
import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import { valueFormOf } from '#datasets/corpus/value-labels.ts';
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
  const { task, corpus, heads = {} } = loaded.config;
  const corpora = [
    ['prepare', { task, corpus }] as const,
    ...Object.entries(heads).map(
      ([name, { task: own = 'classification' as const, corpus: rows }]) =>
        [`prepare:${name}`, { task: own, corpus: rows }] as const,
    ),
  ];
  const found = new Map<string, SourceFile>();
  const look = async (path: string, count: () => Promise<number>) => {
    if (found.has(path)) return;
    const rows = await rowsIn(path, count);
    if (rows !== 0) found.set(path, { name: basename(path), rows });
  };
  for (const [prepare, own] of corpora) {
    const files = graph.find(({ name }) => name === prepare)?.files ?? {};
    // Who answers about a corpus reads its rows: by the outputs of prepare that an instance takes.
    const answers = graph
      .filter(({ inputs }) => inputs['classes']?.instance === prepare)
      .flatMap((instance) => instance.files['answers'] ?? []);
    for (const path of SPLITS.flatMap((split) => files[split] ?? [])) {
      await look(path, () => corpusRows(path, own, tombstones));
    }
    for (const path of [...(files['answers'] ?? []), ...answers]) {
      await look(path, () => answerRows(path, own, tombstones));
    }
  }
  return [...found.values()];
}

type OneTask = Pick<Project['loaded']['config'], 'corpus' | 'task'>;

async function corpusRows(
  path: string,
  { corpus, task }: OneTask,
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
  { corpus: { columns, separator }, task }: OneTask,
  tombstones: Tombstones,
): Promise<number> {
  let rows = 0;
  for await (const { about } of readAnswers([path], columns, valueFormOf(task, separator))) {
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
