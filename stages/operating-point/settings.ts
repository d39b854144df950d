import { z } from 'zod';

/** What a student that may abstain has to reach: one of the two. */
export const goalSchema = z
  .strictObject({
    precision: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe(
        'The exported student abstains where it is not sure: of what it says of a class, at least this share is right on validation. Classes with few rows there share a threshold.',
      ),
    abstain: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe(
        'In place of precision: the largest share of the texts that it may abstain from, its least sure ones.',
      ),
  })
  .refine(({ precision, abstain }) => (precision === undefined) !== (abstain === undefined), {
    message: 'set precision or abstain, and one of them',
  });

/** Settings of `operating-point`. */
export const operatingPointConfig = z.strictObject({
  goal: goalSchema.describe('What the student has to reach on validation.'),
});

export type OperatingPointConfig = z.infer<typeof operatingPointConfig>;
