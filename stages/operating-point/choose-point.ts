import type { ChosenPoint } from '#datasets/operating-point.ts';
import {
  type Claim,
  confidenceWithout,
  leastConfidence,
} from '#stages/numerics/claim-thresholds.ts';
import type { Goal } from './settings.ts';

/** What the student said of a labelled validation row. */
export interface LabelClaim extends Claim {
  readonly label: string;
}

/** The thresholds of a goal. */
export type Thresholds = Pick<ChosenPoint, 'threshold' | 'thresholds' | 'rowsForOwn' | 'sharing'>;

/** Chooses the least thresholds that reach the goal on these rows. */
export function chooseThresholds(
  claims: readonly LabelClaim[],
  { precision, abstain = 0 }: Goal,
  classNames: readonly string[],
): Thresholds {
  if (precision === undefined) {
    const threshold = confidenceWithout(claims, abstain);
    return { threshold, thresholds: {}, rowsForOwn: null, sharing: [] };
  }
  // With fewer rows one mistake, or none, is all that a class has to say.
  const rowsForOwn = Math.max(LEAST_ROWS, Math.ceil(1 / (1 - precision) - ROUNDING));
  const byLabel = new Map(classNames.map((label): [string, LabelClaim[]] => [label, []]));
  for (const claim of claims) byLabel.get(claim.label)?.push(claim);
  const claimsOf = (label: string) => byLabel.get(label) ?? [];
  const own = classNames.filter((label) => claimsOf(label).length >= rowsForOwn);
  const sharing = classNames.filter((label) => claimsOf(label).length < rowsForOwn);
  const shared = sharing.flatMap(claimsOf);
  return {
    threshold: leastConfidence(shared.length < rowsForOwn ? claims : shared, precision) ?? NEVER,
    thresholds: Object.fromEntries(
      own.map((label) => [label, leastConfidence(claimsOf(label), precision) ?? NEVER]),
    ),
    rowsForOwn,
    sharing,
  };
}

/** No confidence reaches it. */
const NEVER = 2;
const LEAST_ROWS = 10;
/** 1 / (1 - 0.9) is a little more than 10. */
const ROUNDING = 1e-9;
