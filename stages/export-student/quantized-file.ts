import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { type AnyMetrics, readAnyMetrics } from '#datasets/metrics.ts';
import { inputOf } from '#stages/folders.ts';
import { type ClassifierOptions, openClassifier } from '#stages/onnx/classifier.ts';
import { quantized } from '#stages/onnx/quantize.ts';
import type { StageContext } from '#stages/stage.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import type { ExportConfig } from './index.ts';
import { accuracyOf, answersOnValidation } from './validation-answers.ts';

/** The file with int8 weights beside the float32 one. */
export interface QuantizedFile {
  readonly fileBytes: number;
  /** Null where no validation row has a class. */
  readonly validationAccuracy: number | null;
  /** On the test split. */
  readonly metrics: AnyMetrics;
  /** It is smaller and keeps the accuracy on validation; which is never known where nothing was compared. */
  readonly recommended: boolean;
}

/** Writes onnx/model_quantized.onnx, as transformers.js calls it, and asks it about validation. */
export async function writeQuantizedFile(
  context: StageContext<ExportConfig>,
  float32: {
    readonly folder: string;
    readonly classCount: number;
    readonly options: ClassifierOptions;
    readonly validationAccuracy: number | null;
  },
): Promise<QuantizedFile> {
  const { folder, classCount, options } = float32;
  const model = await readFile(join(folder, MODEL_FILES.float32));
  const bytes = quantized(model);
  const file = join(folder, MODEL_FILES.int8);
  await writeFileAtomic(file, bytes);
  const classifier = await openClassifier(file, options);
  try {
    const answers = await answersOnValidation(context, classifier, classCount);
    const validationAccuracy = await accuracyOf(answers, context, classCount);
    return {
      fileBytes: bytes.length,
      validationAccuracy,
      metrics: await readAnyMetrics(inputOf(context, 'metrics/int8')),
      recommended:
        bytes.length < model.length && keeps(float32.validationAccuracy, validationAccuracy),
    };
  } finally {
    await classifier.close();
  }
}

function keeps(before: number | null, now: number | null): boolean {
  return before !== null && now !== null && now >= before - MOST_LOST;
}

/** 0.3 points of accuracy. */
const MOST_LOST = 0.003;
