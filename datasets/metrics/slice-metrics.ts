import { z } from 'zod';

const figures = z.record(z.string(), z.number().nullable());

/** Figures of parts of the test rows, in `metrics.json` of every task with one answer a row. */
export const sliceShape = {
  /** By a column of the corpus (`evaluate.slices`). */
  columnSlices: z
    .array(
      z.strictObject({
        column: z.string(),
        /** What the rows have in it: a value, `1.5 to 3` of a column of many numbers, or `(none)`. */
        value: z.string(),
        rows: z.int(),
        figures,
      }),
    )
    .optional(),
  /** The same rows with changed texts (`evaluate.robustness`). */
  robustness: z
    .array(
      z.strictObject({
        name: z.string(),
        rows: z.int(),
        /** Rows whose text is another one than before. */
        changed: z.int(),
        figures,
        /** What each figure loses: of the texts as they are, less the one above. */
        drops: figures,
      }),
    )
    .optional(),
};

/** Likeness of the features of a student to those that the cache holds of its teacher, in `metrics.json`. */
export const featureShape = {
  featureSimilarity: z
    .union([
      z.strictObject({
        /** Linear CKA by the name of the teacher's tensor, 0 to 1; null where one side never changes. */
        linearCka: z.record(z.string(), z.number().min(0).max(1).nullable()),
        /** Test rows that were compared. */
        rows: z.int(),
      }),
      z.strictObject({ missing: z.string() }),
    ])
    .optional(),
};

const sliceSchema = z.strictObject(sliceShape);
const featureSchema = z.strictObject(featureShape);

export type ColumnSlice = NonNullable<z.infer<typeof sliceSchema>['columnSlices']>[number];
export type RobustnessSlice = NonNullable<z.infer<typeof sliceSchema>['robustness']>[number];
export type FeatureSimilarity = NonNullable<z.infer<typeof featureSchema>['featureSimilarity']>;
