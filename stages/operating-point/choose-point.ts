import type { ChosenPoint, Goal } from '#datasets/operating-point.ts';
import {
  type Claim,
  confidenceWithout,
  leastConfidence,
} from '#stages/numerics/claim-thresholds.ts';

/** What the student said of a labelled validation row. */
export interface LabelClaim extends Claim {
  readonly label: string;
}

/** The thresholds of a goal. */
export type Thresholds = Pick<
  ChosenPoint,
  'threshold' | 'thresholds' | 'leastSure' | 'rowsForOwn' | 'sharing'
>;

/** Chooses the least thresholds that reach the goal on rows of one class each. */
export function chooseThresholds(
  claims: readonly LabelClaim[],
  { precision, abstain = 0 }: Goal,
  classNames: readonly string[],
): Thresholds {
  if (precision !== undefined) {
    return thresholdsFor(precision, claims, { classNames, evidenceOf: ({ length }) => length });
  }
  const threshold = confidenceWithout(claims, abstain);
  return { threshold, thresholds: {}, rowsForOwn: null, sharing: [] };
}

/**
 * The least confidence of each class from which on claims of it are right in this share. Classes with little
 * evidence (counted by `evidenceOf`) share one.
 */
export function thresholdsFor(
  precision: number,
  claims: readonly LabelClaim[],
  {
    classNames,
    evidenceOf,
  }: {
    readonly classNames: readonly string[];
    readonly evidenceOf: (claims: readonly LabelClaim[]) => number;
  },
): Thresholds {
  // With fewer rows one mistake, or none, is all that a class has to say.
  const rowsForOwn = Math.max(LEAST_ROWS, Math.ceil(1 / (1 - precision) - ROUNDING));
  const byLabel = new Map(classNames.map((label): [string, LabelClaim[]] => [label, []]));
  for (const claim of claims) byLabel.get(claim.label)?.push(claim);
  const claimsOf = (label: string) => byLabel.get(label) ?? [];
  const hasOwn = (label: string) => evidenceOf(claimsOf(label)) >= rowsForOwn;
  const own = classNames.filter(hasOwn);
  const sharing = classNames.filter((label) => !hasOwn(label));
  const shared = sharing.flatMap(claimsOf);
  return {
    threshold:
      leastConfidence(evidenceOf(shared) < rowsForOwn ? claims : shared, precision) ?? NEVER,
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
