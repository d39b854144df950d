import { basename } from 'node:path';
import type { Reject } from '#datasets/corpus/reject.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { isLanguageModel, isValueTask, type Task } from '#datasets/task.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { ClassList } from './class-list.ts';
import type { PrepareConfig } from './config.ts';
import { type MergedSplit, mergeRows } from './merge-rows.ts';
import { mergeWordRows } from './merge-words.ts';
import { EmptySplitError } from './prepare-errors.ts';
import type { CorpusContent, CorpusFiles } from './read-corpus.ts';
import { dropLeaks, takeValidation } from './split-rows.ts';
import { targetsOf } from './value-labels.ts';
import { countByCode } from './write-rejects.ts';

/** The corpus as the other stages see it. */
export interface CutCorpus {
  readonly splits: Readonly<Record<Split, MergedSplit>>;
  /** Every row that was left out, and why. */
  readonly rejects: readonly Reject[];
}

/** Cuts the rows into three splits without leaks and duplicates, and says what was left out. */
export function* cutCorpus(
  content: CorpusContent,
  files: CorpusFiles,
  classes: ClassList,
  config: PrepareConfig,
): Generator<StageEvent, CutCorpus, void> {
  const { validationFraction: fraction, seed, onConflict, leaks: rule, task } = config;
  const hasLabels = !isLanguageModel(task);
  const isCandidate = hasLabels ? undefined : () => true;
  const assigned =
    fraction === undefined
      ? content.rows
      : takeValidation(content.rows, fraction, seed, isCandidate);
  const { rows, leaks } = dropLeaks(assigned, rule);
  const merge = config.task === 'token-classification' ? mergeWordRows : mergeRows;
  const merged = (split: Split): MergedSplit =>
    merge(
      rows.filter((row) => row.split === split),
      {
        onConflict,
        classNames: classes.classNames,
        idOfLabel: classes.idOfLabel,
        targetsOf: targetsOf(classes, task),
      },
    );
  const splits = { train: merged('train'), validation: merged('validation'), test: merged('test') };
  for (const split of SPLITS) requireRows(split, splits[split], files, leaks);
  yield* rowEvents(splits, hasLabels);
  if (hasLabels) yield* labelEvents(splits);
  yield* leftOutEvents(splits, content.rejects, leaks, task);
  const conflicts = SPLITS.flatMap((split) => splits[split].rejects);
  return { splits, rejects: [...content.rejects, ...leaks, ...conflicts] };
}

function requireRows(
  split: Split,
  { examples }: MergedSplit,
  files: CorpusFiles,
  leaks: readonly Reject[],
): void {
  if (examples.length > 0) return;
  const names = (files[split].length > 0 ? files[split] : files.train).map((path) =>
    basename(path),
  );
  const lost = leaks.filter((leak) => leak.reason.startsWith(`${split} row`)).length;
  const detail = lost === 0 ? 'is there' : `is left: all ${lost} also stand in another split`;
  throw new EmptySplitError(split, names, detail);
}

function* rowEvents(
  { train, validation, test }: CutCorpus['splits'],
  hasLabels: boolean,
): Generator<StageEvent, void, void> {
  for (const [split, { examples }] of Object.entries({ train, validation, test })) {
    yield { type: 'count', name: `${split}Rows`, value: examples.length };
  }
  const labelled = hasLabels ? ` (${count(labelledRows(train))} labelled)` : '';
  const message = `${count(train.examples.length)} train rows${labelled}, ${count(validation.examples.length)} validation, ${count(test.examples.length)} test`;
  yield { type: 'note', message };
}

function* labelEvents(splits: CutCorpus['splits']): Generator<StageEvent, void, void> {
  yield { type: 'count', name: 'labelledRows', value: labelledRows(splits.train) };
  for (const split of ['validation', 'test'] as const) {
    if (labelledRows(splits[split]) > 0) continue;
    const only = 'accuracy cannot be measured there, only agreement with the teacher';
    yield { type: 'warning', message: `no ${split} row has a label: ${only}` };
  }
}

function* leftOutEvents(
  splits: CutCorpus['splits'],
  rejects: readonly Reject[],
  leaks: readonly Reject[],
  task: Task | undefined,
): Generator<StageEvent, void, void> {
  const duplicates = sumOver(splits, (split) => split.duplicates);
  const conflicts = sumOver(splits, (split) => split.conflicts);
  yield { type: 'count', name: 'duplicates', value: duplicates };
  yield { type: 'count', name: 'conflicts', value: conflicts };
  yield { type: 'count', name: 'leaks', value: leaks.length };
  yield { type: 'count', name: 'rejects', value: rejects.length };
  if (duplicates > 0) {
    const message = `rows that repeat an earlier one, now its weight: ${count(duplicates)}`;
    yield { type: 'note', message };
  }
  if (conflicts > 0) {
    const message = isValueTask(task)
      ? `rows with more than one label, now their mean: ${count(conflicts)}`
      : `texts with more than one label, decided by corpus.onConflict: ${count(conflicts)}`;
    yield { type: 'warning', message };
  }
  if (leaks.length > 0) {
    const message = `rows left out because validation or test has the same text: ${count(leaks.length)} (rejects.jsonl)`;
    yield { type: 'note', message };
  }
  if (rejects.length > 0) {
    const codes = Object.entries(countByCode(rejects)).map(([code, rows]) => `${rows} ${code}`);
    const message = `unreadable rows left out: ${count(rejects.length)} (${codes.join(', ')}; rejects.jsonl)`;
    yield { type: 'warning', message };
  }
}

function labelledRows({ labels, targets = [], tokenLabels = [] }: MergedSplit): number {
  const labelled = [...labels, ...targets, ...tokenLabels];
  return new Set(labelled.map(({ exampleId }) => exampleId)).size;
}

function sumOver(splits: CutCorpus['splits'], value: (split: MergedSplit) => number): number {
  return SPLITS.reduce((sum, split) => sum + value(splits[split]), 0);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
