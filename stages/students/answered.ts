import type { Answered } from '#datasets/operating-point.ts';
import type { Predictions } from '#datasets/predictions.ts';
import type { OperatingPoint } from './operating-point.ts';
import { answerOf, type Prediction } from './student-answers.ts';

/** What a student says of rows whose class is known. */
export interface LabelledLogits {
  /** [rows * classCount] */
  readonly logits: Float32Array;
  /** [rows] */
  readonly goldIds: readonly number[];
}

/** The rows with a gold label, in their order. */
export function labelledOf(
  { exampleIds, logits, rowCount }: Pick<Predictions, 'exampleIds' | 'logits' | 'rowCount'>,
  gold: ReadonlyMap<string, number>,
): LabelledLogits {
  const classCount = logits.length / Math.max(1, rowCount);
  const rows = exampleIds.flatMap((exampleId, row) => (gold.has(exampleId) ? [row] : []));
  const kept = new Float32Array(rows.length * classCount);
  for (const [at, row] of rows.entries()) {
    kept.set(logits.subarray(row * classCount, (row + 1) * classCount), at * classCount);
  }
  return { logits: kept, goldIds: rows.map((row) => gold.get(exampleIds[row] ?? '') ?? -1) };
}

/** What it says of each row when its logits are divided by a temperature. */
export function claimsOf(
  labelled: LabelledLogits,
  {
    classNames,
    temperature,
  }: { readonly classNames: readonly string[]; readonly temperature: number },
) {
  const always = { goal: '', temperature, threshold: 0, thresholds: {} };
  return answersTo(labelled, classNames, always).map(({ label, confidence }, row) => ({
    label,
    confidence,
    isRight: label === classNames[labelled.goldIds[row] ?? -1],
  }));
}

/** How often it answers at an operating point, and how often rightly; as `decant predict` would. */
export function answered(
  labelled: LabelledLogits,
  classNames: readonly string[],
  point: OperatingPoint,
): Answered {
  const { goldIds } = labelled;
  const said = answersTo(labelled, classNames, point).map(({ label, abstained }, row) => ({
    abstained,
    isRight: label === classNames[goldIds[row] ?? -1],
  }));
  const spoken = said.filter(({ abstained }) => !abstained);
  return {
    goal: point.goal,
    rows: goldIds.length,
    answered: spoken.length,
    right: spoken.filter(({ isRight }) => isRight).length,
  };
}

function answersTo(
  { logits, goldIds }: LabelledLogits,
  classNames: readonly string[],
  operatingPoint: OperatingPoint,
): Prediction[] {
  const { length: width } = classNames;
  const rules = { classNames, task: 'classification', operatingPoint } as const;
  return goldIds.map((_, row) =>
    answerOf(logits.subarray(row * width, (row + 1) * width), rules, 1),
  );
}
