import { join } from 'node:path';
import { outputFolder } from '#cache/artifact-store.ts';
import { readClasses } from '#datasets/classes.ts';
import type { Split } from '#datasets/example.ts';
import { labelledExamples } from '#datasets/gold-of-rows.ts';
import { writeHardLabels } from '#datasets/hard-labels.ts';
import { readLabels, writeLabels } from '#datasets/labels.ts';
import { type Metrics, writeMetrics } from '#datasets/metrics/metrics.ts';
import type { ValueMetrics } from '#datasets/metrics/value-metrics.ts';
import { type SoftLabelMeta, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { hasTargets, readTargets, writeTargets } from '#datasets/targets.ts';
import { isLanguageModel, isValueTask, type Task } from '#datasets/task.ts';
import { takeTokens } from '#datasets/tokens/take-tokens.ts';
import {
  hasTokenLabels,
  readTokenLabels,
  writeTokenLabels,
} from '#datasets/tokens/token-labels.ts';
import {
  readTokens,
  type TokenAnswers,
  type TokenTable,
  writeTokens,
} from '#datasets/tokens/tokens.ts';
import { labelledRows, perAnswer } from '#stages/soft-label/label-columns.ts';
import { servedLabels } from '#stages/soft-label/served-labels.ts';
import { hiddenName, keepOf, type SoftLabelConfig } from '#stages/soft-label/settings.ts';

/** What a rehearsal needs in place of what is not there yet. Crosses a process border. */
export interface StandIns {
  /** Artifact of prepare. */
  readonly prepared: string;
  readonly softLabel: SoftLabelConfig;
  /** Folders of the teachers' caches, by instance. */
  readonly caches: readonly string[];
  /** Folder to write below, laid out as `instance/output`. */
  readonly folder: string;
  /** Folder and name of each model that an evaluation stands in for. */
  readonly evaluated: readonly { readonly folder: string; readonly name: string }[];
}

/** Outputs of prepare of which a rehearsal gets a few rows; it reads the others as they are. */
export const SLICED_OUTPUTS: readonly string[] = ['train', 'validation'].flatMap((split) => [
  `tokens/student/${split}`,
  `labels/${split}`,
]);

/**
 * Writes a few rows of what prepare made, with a teacher that knows nothing (equal logits) in the very
 * form that the real one will have, no hard labels and figures of nothing.
 */
export async function writeStandIns(standIns: StandIns): Promise<void> {
  const { prepared, folder, evaluated } = standIns;
  const classNames = await readClasses(outputFolder(prepared, 'classes'));
  for (const split of ['train', 'validation'] as const) {
    const tokens = await writeSlice(standIns, split, classNames.length);
    await writeUniformLabels(standIns, split, tokens, classNames);
  }
  for (const stage of ['hard-relabel', 'control-labels']) {
    await writeHardLabels(join(folder, stage, 'hard-labels'), []);
  }
  const { task } = standIns.softLabel;
  for (const { folder: place, name } of evaluated) {
    await writeMetrics(place, isOfFigures(task) ? noFigures(name, task) : noMetrics(name));
  }
}

/** The longest rows, where memory is needed most, and the longest with a label. */
async function writeSlice(
  { prepared, folder }: StandIns,
  split: Split,
  classCount: number,
): Promise<TokenTable> {
  const table = await readTokens(outputFolder(prepared, `tokens/student/${split}`));
  const source = outputFolder(prepared, `labels/${split}`);
  const labelled = await labelledExamples(source);
  const length = (row: number) => (table.offsets[row + 1] ?? 0) - (table.offsets[row] ?? 0);
  const longest = table.exampleIds.map((_, row) => row).sort((a, b) => length(b) - length(a));
  const known = longest.filter((row) => labelled.has(table.exampleIds[row] ?? ''));
  const most = Math.min(ROWS, fitting(table, classCount));
  const rows = new Set([...longest.slice(0, most), ...known.slice(0, most)]);
  const slice = takeTokens(table, [...rows]);
  const ids = new Set(slice.exampleIds);
  await writeTokens(join(folder, 'prepare', `tokens/student/${split}`), slice);
  await copyLabels(source, join(folder, 'prepare', `labels/${split}`), ids);
  return slice;
}

/** Rows whose equal logits take 64 MB at most: a vocabulary a token is soon more. */
function fitting({ answers, maxLength }: TokenTable, classCount: number): number {
  return answers === undefined ? ROWS : Math.max(1, Math.floor(2 ** 24 / (maxLength * classCount)));
}

/** The labels of these examples, of texts or of words. */
async function copyLabels(from: string, to: string, ids: ReadonlySet<string>): Promise<void> {
  const isKept = ({ exampleId }: { readonly exampleId: string }) => ids.has(exampleId);
  if (hasTokenLabels(from))
    await writeTokenLabels(to, (await readTokenLabels(from)).filter(isKept));
  else if (hasTargets(from)) await writeTargets(to, (await readTargets(from)).filter(isKept));
  else await writeLabels(to, (await readLabels(from)).filter(isKept));
}

async function writeUniformLabels(
  { softLabel, caches }: StandIns,
  split: Split,
  tokens: TokenTable,
  classNames: readonly string[],
): Promise<void> {
  const keep = keepOf(softLabel, classNames.length);
  const { exampleIds, answers, tokenizerDigest, maxLength } = tokens;
  const rows = exampleIds.map((exampleId, row) => ({
    exampleId,
    split,
    sourceId: null,
    ...(answers && { answers: answersOfRow(answers, row) }),
  }));
  // How wide features are shows with the teacher's first answer.
  const hidden = keep.hidden?.map(hiddenName);
  const { meta: held, rows: dense } = uniformRows(rows, classNames.length, hidden);
  const meta: SoftLabelMeta = {
    formatVersion: 1,
    mode: keep.mode,
    topK: keep.topK ?? null,
    ...(keep.samples !== undefined && { samples: keep.samples }),
    temperatures: keep.temperatures,
    precision: keep.precision,
    ...(keep.task && { task: keep.task }),
    classNames,
    tokenizerDigest,
    maxLength,
    fingerprint: NOBODY,
    teacherDigest: NOBODY,
    provider: 'none',
    runtime: 'none',
    ...(answers && { perToken: true }),
    ...(hidden && { hidden: Object.fromEntries(hidden.map((name) => [name, FEATURE_WIDTH])) }),
  };
  for (const cache of caches) {
    const path = join(cache, 'rows', split, 'part-00000.parquet');
    await writeSoftLabelShard(path, labelledRows(rows, servedLabels(dense, held, keep)), meta);
  }
}

function answersOfRow({ at, positions, offsets }: TokenAnswers, row: number) {
  const [from, to] = offsets.subarray(row, row + 2);
  return { at: at.subarray(from, to), positions: positions.subarray(from, to) };
}

/** A dense cache of equal logits: it serves every form that may be asked for. */
function uniformRows(
  rows: Parameters<typeof labelledRows>[0],
  classCount: number,
  hidden: readonly string[] | undefined,
) {
  const rowCount = perAnswer(rows, () => null).length;
  const normaliser = new Float32Array(rowCount).fill(Math.log(classCount));
  const columns = {
    topIds: new Int32Array(),
    topLogits: new Float32Array(),
    logits: new Float32Array(rowCount * classCount),
    logSumExp: [normaliser],
    tailLogMass: [],
    entropyNats: normaliser,
    ...(hidden && {
      hidden: Object.fromEntries(
        hidden.map((name) => [name, new Float32Array(rowCount * FEATURE_WIDTH)]),
      ),
    }),
  };
  const meta = { mode: 'dense', topK: null, temperatures: [1], precision: 'float32' } as const;
  return { meta, rows: labelledRows(rows, columns) };
}

function noMetrics(name: string): Metrics {
  return {
    formatVersion: 1,
    name,
    subject: 'student',
    rows: 0,
    accuracy: 0,
    accuracyInterval: [0, 0],
    agreement: null,
    expectedCalibrationError: 0,
    macroF1: 0,
    negativeLogLikelihood: 0,
    goldOutsideTopK: 0,
    parameters: null,
    fileBytes: 0,
    calibrationBins: [],
    confusions: [],
    perClass: [],
  };
}

function isOfFigures(task: Task | undefined): task is ValueMetrics['task'] {
  return isValueTask(task) || isLanguageModel(task);
}

function noFigures(name: string, task: ValueMetrics['task']): ValueMetrics {
  const who = { formatVersion: 1, task, name, subject: 'student', rows: 0 } as const;
  return { ...who, figures: {}, agreement: null, parameters: null, fileBytes: 0, perClass: [] };
}

const ROWS = 32;
const NOBODY = '0'.repeat(64);

/** Of a feature of nobody. */
const FEATURE_WIDTH = 8;
