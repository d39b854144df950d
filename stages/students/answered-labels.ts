import type { Answered } from '#datasets/operating-point.ts';
import type { OperatingPoint } from './operating-point.ts';
import { answerOf, saidLabels } from './student-answers.ts';

/** Numbers that a student of several labels gives for rows whose labels are known; both [rows * width]. */
export interface LabelledValues {
  readonly logits: Float32Array;
  /** Shares; from 0.5 on the row has the label. */
  readonly targets: Float32Array;
  readonly width: number;
}

/** The rows with gold values, in their order. */
export function withTargets(
  { exampleIds, logits }: { readonly exampleIds: readonly string[]; readonly logits: Float32Array },
  gold: ReadonlyMap<string, Float32Array>,
  width: number,
): LabelledValues {
  const rows = exampleIds.flatMap((exampleId, row) => (gold.has(exampleId) ? [row] : []));
  const [own, targets] = [
    new Float32Array(rows.length * width),
    new Float32Array(rows.length * width),
  ];
  for (const [place, row] of rows.entries()) {
    own.set(logits.subarray(row * width, (row + 1) * width), place * width);
    targets.set(gold.get(exampleIds[row] ?? '') ?? [], place * width);
  }
  return { logits: own, targets, width };
}

/** Does a row have this label? `place` counts all labels of all rows. */
export function hasLabel({ targets }: LabelledValues, place: number): boolean {
  return (targets[place] ?? 0) >= 0.5;
}

/** How many texts it answers at an operating point, and how many of its labels are right; as `decant predict` would. */
export function answeredLabels(
  values: LabelledValues,
  classNames: readonly string[],
  operatingPoint: OperatingPoint,
): Answered {
  const { logits, width } = values;
  const rows = logits.length / width;
  const rules = { classNames, task: 'multi-label', operatingPoint } as const;
  const counts = { answered: 0, right: 0 };
  const labels = { gold: 0, said: 0, right: 0 };
  for (let row = 0; row < rows; row++) {
    const gold = classNames.filter((_, id) => hasLabel(values, row * width + id));
    labels.gold += gold.length;
    const answer = answerOf(logits.subarray(row * width, (row + 1) * width), rules, width);
    if (answer.abstained) continue;
    const said = saidLabels(answer, operatingPoint).map(({ label }) => label);
    const right = said.filter((label) => gold.includes(label)).length;
    counts.answered += 1;
    if (right === said.length && right === gold.length) counts.right += 1;
    labels.said += said.length;
    labels.right += right;
  }
  return { goal: operatingPoint.goal, rows, ...counts, labels };
}
