import { basename } from 'node:path';
import { type CorpusColumns, type CorpusRow, labelsOf } from '#datasets/corpus/corpus-row.ts';
import { openCorpus, requireCorpusKind } from '#datasets/corpus/open-corpus.ts';
import type { Reject } from '#datasets/corpus/reject.ts';
import { valueFormOf } from '#datasets/corpus/value-labels.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { identityOf } from '#datasets/example-id.ts';
import { isLanguageModel, isValueTask } from '#datasets/task.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { PrepareConfig } from './config.ts';
import { tensorColumnsOf } from './features.ts';
import { SplitFilesError } from './prepare-errors.ts';

/** A good row with its identity. */
export interface SourceRow extends CorpusRow {
  readonly split: Split;
  readonly exampleId: string;
  readonly leakKey: string;
  /** Its label is that of a person who corrected the corpus. */
  readonly isCorrected?: boolean;
}

/** Everything that was read, in the order of the files. */
export interface CorpusContent {
  readonly rows: readonly SourceRow[];
  readonly rejects: readonly Reject[];
}

export type CorpusFiles = Readonly<Record<Split, readonly string[]>>;

/** Takes the corpus files out of the stage's files and checks that the three splits can be filled. */
export function corpusFilesOf(
  files: Readonly<Record<string, readonly string[]>>,
  { validationFraction, task }: Pick<PrepareConfig, 'validationFraction' | 'task'>,
): CorpusFiles {
  const { train = [], validation = [], test = [] } = files;
  if (train.length === 0) {
    throw new SplitFilesError(
      'corpus.train names no file',
      'set corpus.train to your corpus files',
    );
  }
  if (test.length === 0) {
    const fix = 'set corpus.test to labelled rows that nothing else uses';
    throw new SplitFilesError('corpus.test names no file', fix);
  }
  if (validation.length === 0 && validationFraction === undefined) {
    const fix = 'set corpus.validation to files or to { fraction: 0.1 }';
    throw new SplitFilesError('corpus.validation names no file and no fraction', fix);
  }
  if (validation.length > 0 && validationFraction !== undefined) {
    const fix = 'keep one of the two';
    throw new SplitFilesError('corpus.validation names files and a fraction', fix);
  }
  for (const path of [...train, ...validation, ...test]) requireCorpusKind(path, task);
  return { train, validation, test };
}

/** Reads all files of all splits; says how far it is and how many rows of each file carry a label. */
export async function* readCorpus(
  files: CorpusFiles,
  config: Pick<PrepareConfig, 'columns' | 'limit' | 'task' | 'separator' | 'sliceColumns'>,
  signal: AbortSignal,
  open: typeof openCorpus = openCorpus,
): AsyncGenerator<StageEvent, CorpusContent, void> {
  const { limit = Number.POSITIVE_INFINITY } = config;
  const columns = corpusColumnsOf(config);
  const rows: SourceRow[] = [];
  const rejects: Reject[] = [];
  const sources = SPLITS.flatMap((split) => files[split].map((path) => ({ split, path })));
  for (const [index, { split, path }] of sources.entries()) {
    const before = rows.length;
    yield readProgress(index, sources.length, basename(path));
    const share = Math.ceil(limit / files[split].length);
    // Only the test rows are measured, so only they need what they are sliced by.
    const wanted = split === 'test' ? { ...columns, kept: config.sliceColumns } : columns;
    for await (const entry of open(path, wanted, config.task)) {
      if (rows.length - before >= share) break;
      if (entry.type === 'reject') rejects.push(entry.reject);
      else rows.push(toSourceRow(entry.row, split));
      if ((rows.length + rejects.length) % rowsPerCheck === 0) signal.throwIfAborted();
    }
    yield fileNote(path, isLanguageModel(config.task) ? undefined : columns, rows.slice(before));
  }
  yield readProgress(sources.length, sources.length, `${rows.length} rows`);
  return { rows, rejects };
}

/** What of a row is read, and as what. */
export function corpusColumnsOf({
  columns,
  task,
  separator,
}: Pick<PrepareConfig, 'columns' | 'task' | 'separator'>): CorpusColumns {
  const tensors = tensorColumnsOf(columns.tensors);
  if (columns.text === null && tensors === undefined) {
    const fix = 'set corpus.columns.text to the column of the text, or corpus.columns.tensors';
    throw new SplitFilesError('corpus.columns names neither a text nor tensors', fix);
  }
  if (Array.isArray(columns.label) && !isValueTask(task)) {
    const fix = 'set corpus.columns.label to the one column of the class, or task: multi-label';
    throw new SplitFilesError('corpus.columns.label names several columns', fix);
  }
  return { ...columns, tensors, valueLabels: valueFormOf(task, separator) };
}

function toSourceRow(row: CorpusRow, split: Split): SourceRow {
  return { ...row, split, ...identityOf(row) };
}

function readProgress(done: number, total: number, detail: string): StageEvent {
  return { type: 'progress', done, total, unit: 'files', detail };
}

/**
 * A misspelt label column looks like an unlabelled file, so the number of labels is always said, but where a
 * text is its own label.
 */
function fileNote(
  path: string,
  columns: CorpusColumns | undefined,
  rows: readonly SourceRow[],
): StageEvent {
  const count = `${basename(path)}: ${rows.length} rows`;
  if (columns === undefined) return { type: 'note', message: count };
  const labelled = rows.filter((row) => labelsOf(row).length > 0).length;
  const own = rows[0]?.words === undefined ? columns.label : (columns.labels ?? 'labels');
  const names = [own].flat().join('", "');
  const labels = labelled === 0 ? `none with a value in "${names}"` : `${labelled} with a label`;
  return { type: 'note', message: `${count}, ${labels}` };
}

const rowsPerCheck = 1000;
