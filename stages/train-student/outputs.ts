import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { Split } from '#datasets/example.ts';
import { featureRow } from '#datasets/feature-rows.ts';
import type { FeatureRow, FeatureTable } from '#datasets/features.ts';
import { valuePredictions, writePredictions } from '#datasets/predictions.ts';
import type { ProbeInput } from '#datasets/probe.ts';
import { isValueTask, type Task } from '#datasets/task.ts';
import { answeredExamples, answerPlaces } from '#datasets/token-answers.ts';
import type { StoredTokens } from '#datasets/tokens.ts';
import { highestPlaces } from '#datasets/top-classes.ts';
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
import { tokenIdsOf } from './token-rows.ts';

/** A finished student. */
export interface TrainedStudent {
  readonly architecture: Architecture;
  readonly shape: StudentShape;
  readonly weights: Float32Array;
  readonly classNames: readonly string[];
  readonly task: Task | undefined;
  /** Classes of the further heads, by name; in the order of the shape's heads. */
  readonly headClasses: Readonly<Record<string, readonly string[]>>;
}

/** A split with the student's logits of its rows, or of its answers where rows have several. [rows * classCount] */
export interface PredictedSplit {
  readonly classCount: number;
  readonly split: Split;
  readonly tokens: StoredTokens;
  readonly features?: FeatureTable | undefined;
  readonly logits: Float32Array;
}

/** Writes the student as a Hugging Face folder with its ONNX graph. */
export async function writeStudent(
  folder: string,
  { architecture, shape, weights, classNames, task, headClasses }: TrainedStudent,
  tokenizerFolder: string,
): Promise<void> {
  const specs = architecture.parameters(shape);
  const ofHeads = headParameters(specs, shape.taskHeads);
  const named = toNamed(weights, allParameters({ architecture, shape }));
  const config = {
    ...architecture.config(shape, classNames),
    ...problemType(task),
    ...(ofHeads.length > 0 && { decant: { heads: describedHeads(headClasses) } }),
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

function describedHeads(headClasses: Readonly<Record<string, readonly string[]>>): TaskHeads {
  return Object.fromEntries(
    Object.entries(headClasses).map(([name, classNames]) => [
      name,
      { id2label: Object.fromEntries(classNames.entries()), output: headOutput(name) },
    ]),
  );
}

/** Inputs spread over the splits, first split first, with the logits that the trainer got for them. */
export function probeOf(splits: readonly PredictedSplit[]): ProbeInput[] {
  return splits.reduce<ProbeInput[]>(
    (inputs, split) => [...inputs, ...probeInputs(split, probeSize - inputs.length)],
    [],
  );
}

/** Writes the student's answer to every row of a split. */
export async function writeSplitPredictions(
  folder: string,
  { split, tokens, logits, classCount }: PredictedSplit,
  task: Task | undefined,
): Promise<void> {
  if (isValueTask(task)) {
    await writePredictions(folder, split, valuePredictions(tokens.exampleIds, logits));
    return;
  }
  const predictedIds = highestPlaces(logits, classCount);
  await writePredictions(folder, split, {
    rowCount: predictedIds.length,
    exampleIds: tokens.answers === undefined ? tokens.exampleIds : answeredExamples(tokens),
    ...(tokens.answers && { positions: tokens.answers.positions }),
    predictedIds,
    confidence: Float32Array.from(predictedIds, (best, row) =>
      probabilityOf(best, logits.subarray(row * classCount, (row + 1) * classCount)),
    ),
    logits,
  });
}

/** What Hugging Face calls the task; a classifier of one label needs no word. */
function problemType(task: Task | undefined): Record<string, string> {
  if (!isValueTask(task)) return {};
  const name = task === 'regression' ? 'regression' : 'multi_label_classification';
  return { problem_type: name };
}

function probeInputs(
  { tokens, features, logits, classCount }: PredictedSplit,
  count: number,
): ProbeInput[] {
  const rowCount = tokens.exampleIds.length;
  const taken = Math.min(count, rowCount);
  return Array.from({ length: taken }, (_, place) => {
    const row = Math.floor((place * rowCount) / taken);
    const { offsets } = tokens.answers ?? {};
    const [from, to] = offsets === undefined ? [row, row + 1] : [offsets[row], offsets[row + 1]];
    return {
      exampleId: tokens.exampleIds[row] ?? '',
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
