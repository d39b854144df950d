import fc from 'fast-check';

/** Logits of one row with so many classes, in the range that classifiers produce. */
export function logitsOf(minClasses: number, maxClasses: number): fc.Arbitrary<number[]> {
  return fc.array(logit, { minLength: minClasses, maxLength: maxClasses });
}

/** Two rows of logits over the same classes. */
export function pairOfLogits(
  minClasses: number,
  maxClasses: number,
): fc.Arbitrary<[number[], number[]]> {
  return fc
    .array(fc.tuple(logit, logit), { minLength: minClasses, maxLength: maxClasses })
    .map((pairs) => [pairs.map(([left]) => left), pairs.map(([, right]) => right)]);
}

const logit = fc.double({ min: -12, max: 12, noNaN: true });

/** Temperatures in use. */
export const temperature = fc.constantFrom(0.5, 1, 2, 4, 10);
