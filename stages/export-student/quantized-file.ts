import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { type AnyMetrics, readAnyMetrics } from '#datasets/metrics.ts';
import { type Answered, reachesGoal } from '#datasets/operating-point.ts';
import { inputOf } from '#stages/folders.ts';
import { type ClassifierOptions, openClassifier } from '#stages/onnx/classifier.ts';
import { quantized } from '#stages/onnx/quantize.ts';
import type { StageContext } from '#stages/stage.ts';
import type { OperatingPoint } from '#stages/students/operating-point.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import type { ExportConfig } from './index.ts';
import { accuracyOf, answeredAt, answersOnValidation } from './validation-answers.ts';

/** The file with int8 weights beside the float32 one. */
export interface QuantizedFile {
  readonly fileBytes: number;
  /** Null where no validation row has a class. */
  readonly validationAccuracy: number | null;
  /** On the test split. */
  readonly metrics: AnyMetrics;
  /** What it answers of validation at the operating point, where there is one. */
  readonly answered: Answered | undefined;
  /** It is smaller and keeps the accuracy on validation, and the goal; never where nothing was compared. */
  readonly recommended: boolean;
}

/** Writes onnx/model_quantized.onnx, as transformers.js calls it, and asks it about validation. */
export async function writeQuantizedFile(
  context: StageContext<ExportConfig>,
  float32: {
    readonly folder: string;
    readonly classNames: readonly string[];
    readonly point: OperatingPoint | undefined;
    readonly options: ClassifierOptions;
    readonly validationAccuracy: number | null;
  },
): Promise<QuantizedFile> {
  const { folder, classNames, point, options } = float32;
  const { length: classCount } = classNames;
  const model = await readFile(join(folder, MODEL_FILES.float32));
  const bytes = quantized(model);
  const file = join(folder, MODEL_FILES.int8);
  await writeFileAtomic(file, bytes);
  const classifier = await openClassifier(file, options);
  try {
    const answers = await answersOnValidation(context, classifier, classCount);
    const validationAccuracy = await accuracyOf(answers, context, classCount);
    const answered = point && (await answeredAt(point, answers, context, classNames));
    return {
      fileBytes: bytes.length,
      validationAccuracy,
      answered,
      metrics: await readAnyMetrics(inputOf(context, 'metrics/int8')),
      recommended:
        bytes.length < model.length &&
        keeps(float32.validationAccuracy, validationAccuracy, answered),
    };
  } finally {
    await classifier.close();
  }
}

/** Of several labels no accuracy is told: a goal alone says what int8 weights are worth. */
function keeps(before: number | null, now: number | null, answered: Answered | undefined): boolean {
  if (answered !== undefined && !keepsGoal(answered)) return false;
  if (before === null || now === null) return answered !== undefined;
  return now >= before - MOST_LOST;
}

/** Do int8 weights reach the goal whose thresholds were chosen with float32 ones? */
export function keepsGoal(answered: Answered): boolean {
  return reachesGoal(answered, MOST_LOST);
}

/** 0.3 points. */
const MOST_LOST = 0.003;
