import type { Goal } from '#datasets/operating-point.ts';
import { sigmoid } from '#stages/numerics/binary.ts';
import { confidenceWithout } from '#stages/numerics/claim-thresholds.ts';
import { fitTemperature } from '#stages/numerics/temperature-scaling.ts';
import { hasLabel, type LabelledValues } from '#stages/students/answered-labels.ts';
import { sureness } from '#stages/students/student-answers.ts';
import { type LabelClaim, type Thresholds, thresholdsFor } from './choose-point.ts';

/**
 * Chooses the temperature, and the thresholds that reach a goal, on rows of several labels. Each row makes a claim
 * of each class; a class has a threshold of its own where enough rows have it.
 */
export function chooseForLabels(
  values: LabelledValues,
  { precision, abstain = 0 }: Goal,
  classNames: readonly string[],
): { readonly temperature: number; readonly chosen: Thresholds } {
  const temperature = temperatureOf(values);
  const claims = Array.from(
    values.logits,
    (logit, place): LabelClaim => ({
      label: classNames[place % values.width] ?? '',
      confidence: sigmoid(logit / temperature),
      isRight: hasLabel(values, place),
    }),
  );
  if (precision !== undefined) {
    const evidenceOf = (of: readonly LabelClaim[]) => of.filter(({ isRight }) => isRight).length;
    return { temperature, chosen: thresholdsFor(precision, claims, { classNames, evidenceOf }) };
  }
  const rows = Array.from({ length: claims.length / values.width }, (_, row) => {
    const own = claims.slice(row * values.width, (row + 1) * values.width);
    return { confidence: sureness(own.map(({ confidence }) => confidence)), isRight: true };
  });
  const leastSure = confidenceWithout(rows, abstain);
  const chosen = { threshold: EVEN, thresholds: {}, leastSure, rowsForOwn: null, sharing: [] };
  return { temperature, chosen };
}

/** A yes or no is a choice of two classes, of which the second has the logit 0. */
function temperatureOf(values: LabelledValues): number {
  const { logits } = values;
  const pairs = new Float32Array(2 * logits.length);
  for (const [place, logit] of logits.entries()) pairs[2 * place] = logit;
  const goldIds = Int32Array.from(logits, (_, place) => (hasLabel(values, place) ? 0 : 1));
  return fitTemperature(pairs, goldIds);
}

/** Said from where it is likelier than not. */
const EVEN = 0.5;
