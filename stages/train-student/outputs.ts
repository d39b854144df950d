import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { Split } from '#datasets/example.ts';
import { featureRow } from '#datasets/feature-rows.ts';
import { type FeatureRow, takeFeatures } from '#datasets/features.ts';
import {
  type Predictions,
  valuePredictions,
  writePredictionBlocks,
} from '#datasets/predictions.ts';
import type { ProbeInput } from '#datasets/probe.ts';
import { highestPlaces } from '#datasets/soft-labels/top-classes.ts';
import { ROWS_PER_GROUP } from '#datasets/table-file.ts';
import { isValueTask, type Task } from '#datasets/task.ts';
import { takeTokens } from '#datasets/tokens/take-tokens.ts';
import { answeredExamples, answerPlaces } from '#datasets/tokens/token-answers.ts';
import { toNamed } from '#stages/students/parameters.ts';
import { writeSafetensors } from '#stages/students/safetensors.ts';
import type { Architecture, ParameterSpec, StudentShape } from '#stages/students/student.ts';
import {
  allParameters,
  HEADS_FILE,
  headOutput,
  headParameters,
  type TaskHeads,
} from '#stages/students/task-heads.ts';
import { tokenIdsOf } from './batches/token-rows.ts';
import type { PredictedRows } from './predict-rows.ts';

/** A finished student. */
export interface TrainedStudent {
  readonly architecture: Architecture;
  readonly shape: StudentShape;
  readonly weights: Float32Array;
  readonly classNames: readonly string[];
  readonly task: Task | undefined;
  /** What the further heads answer, by name; in the order of the shape's heads. */
  readonly heads: Readonly<Record<string, Pick<TrainedStudent, 'classNames' | 'task'>>>;
}

/** A student that answers rows. */
export interface Answering {
  readonly classCount: number;
  readonly task: Task | undefined;
  /** Logits of the rows, or of their answers where rows have several. [rows * classCount] */
  readonly predict: (rows: PredictedRows) => Promise<Float32Array>;
}

/** Writes the student as a Hugging Face folder with its ONNX graph. */
export async function writeStudent(
  folder: string,
  { architecture, shape, weights, classNames, task, heads }: TrainedStudent,
  tokenizerFolder: string,
): Promise<void> {
  const specs = architecture.parameters(shape);
  const ofHeads = headParameters(specs, shape.taskHeads);
  const named = toNamed(weights, allParameters({ architecture, shape }));
  const config = {
    ...architecture.config(shape, classNames),
    ...problemType(task),
    ...(ofHeads.length > 0 && { decant: { heads: describedHeads(heads) } }),
  };
  await writeFileAtomic(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const tensorsOf = (parameters: readonly ParameterSpec[]) =>
    parameters.map(({ name, shape }) => ({
      name,
      shape,
      values: named.get(name) ?? new Float32Array(),
    }));
  await writeSafetensors(join(folder, 'model.safetensors'), tensorsOf(specs));
  if (ofHeads.length > 0) await writeSafetensors(join(folder, HEADS_FILE), tensorsOf(ofHeads));
  await writeFileAtomic(join(folder, 'onnx', 'model.onnx'), architecture.onnx(shape, named));
  for (const file of shape.vocabularySize > 0 ? tokenizerFiles : []) {
    await writeFileAtomic(join(folder, file), await readFile(join(tokenizerFolder, file)));
  }
}

function describedHeads(heads: TrainedStudent['heads']): TaskHeads {
  return Object.fromEntries(
    Object.entries(heads).map(([name, { classNames, task }]) => [
      name,
      {
        id2label: Object.fromEntries(classNames.entries()),
        output: headOutput(name),
        ...problemType(task),
      },
    ]),
  );
}

/** Inputs spread over the splits, first split first, with the logits that the trainer gets for them. */
export async function probeOf(
  splits: readonly PredictedRows[],
  student: Answering,
): Promise<ProbeInput[]> {
  const inputs: ProbeInput[] = [];
  for (const split of splits) {
    const rowCount = split.tokens.exampleIds.length;
    const count = Math.min(probeSize - inputs.length, rowCount);
    const rows = Array.from({ length: count }, (_, place) =>
      Math.floor((place * rowCount) / count),
    );
    inputs.push(...(await probeInputs(takeRows(split, rows), student)));
  }
  return inputs;
}

/** Writes the student's answer to every row of a split, of which one block is in memory at a time. */
export async function writeSplitPredictions(
  folder: string,
  split: Split,
  rows: PredictedRows,
  student: Answering,
): Promise<void> {
  const hasPositions = rows.tokens.answers !== undefined && !isValueTask(student.task);
  await writePredictionBlocks(folder, split, { hasPositions }, answersTo(rows, student));
}

async function* answersTo(rows: PredictedRows, student: Answering): AsyncGenerator<Predictions> {
  const { exampleIds, answers } = rows.tokens;
  const rowCount = exampleIds.length;
  const answersPerRow = Math.max(1, (answers?.at.length ?? 0) / Math.max(1, rowCount));
  const fitting = Math.floor(NUMBERS_PER_BLOCK / (answersPerRow * student.classCount));
  const size = Math.max(1, Math.min(ROWS_PER_GROUP, fitting));
  for (let from = 0; from < rowCount; from += size) {
    const length = Math.min(size, rowCount - from);
    const block = takeRows(
      rows,
      Array.from({ length }, (_, row) => from + row),
    );
    yield predictionsOf(block, await student.predict(block), student);
  }
}

function takeRows({ tokens, features }: PredictedRows, rows: readonly number[]): PredictedRows {
  return {
    tokens: takeTokens(tokens, rows),
    features: features && takeFeatures(features, rows),
  };
}

function predictionsOf(
  { tokens }: PredictedRows,
  logits: Float32Array,
  { classCount, task }: Answering,
): Predictions {
  if (isValueTask(task)) return valuePredictions(tokens.exampleIds, logits);
  const predictedIds = highestPlaces(logits, classCount);
  return {
    rowCount: predictedIds.length,
    exampleIds: tokens.answers === undefined ? tokens.exampleIds : answeredExamples(tokens),
    ...(tokens.answers && { positions: tokens.answers.positions }),
    predictedIds,
    confidence: Float32Array.from(predictedIds, (best, row) =>
      probabilityOf(best, logits.subarray(row * classCount, (row + 1) * classCount)),
    ),
    logits,
  };
}

/** What Hugging Face calls the task; a classifier of one label needs no word. */
function problemType(task: Task | undefined): Record<string, string> {
  if (!isValueTask(task)) return {};
  const name = task === 'regression' ? 'regression' : 'multi_label_classification';
  return { problem_type: name };
}

async function probeInputs(
  { tokens, features }: PredictedRows,
  { classCount, predict }: Answering,
): Promise<ProbeInput[]> {
  const logits = await predict({ tokens, features });
  return tokens.exampleIds.map((exampleId, row) => {
    const { offsets } = tokens.answers ?? {};
    const [from, to] = offsets === undefined ? [row, row + 1] : [offsets[row], offsets[row + 1]];
    return {
      exampleId,
      tokenIds: [...tokenIdsOf(tokens, row)],
      ...(features && { features: listsOf(featureRow(features, row)) }),
      ...(tokens.answers && { answerAt: [...answerPlaces(tokens, row)] }),
      logits: [...logits.subarray((from ?? 0) * classCount, (to ?? 0) * classCount)],
    };
  });
}

function listsOf(row: FeatureRow): Record<string, number[]> {
  return Object.fromEntries(Object.entries(row).map(([input, values]) => [input, [...values]]));
}

/** Softmax at one class. */
function probabilityOf(classId: number, logits: Float32Array): number {
  const logit = logits[classId] ?? Number.NaN;
  return 1 / logits.reduce((sum, other) => sum + Math.exp(other - logit), 0);
}

const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];
const probeSize = 64;
/** Logits of a block of predictions: 16 MiB. */
const NUMBERS_PER_BLOCK = 1 << 22;
