import { z } from 'zod';
import { prepareConfigSchema } from '#stages/prepare/config.ts';

const fileOrFiles = z.union([z.string(), z.array(z.string()).min(1).readonly()]);

/** Is validation a share of train, and no files? */
export function isFraction(value: unknown): value is { readonly fraction: number } {
  return typeof value === 'object' && value !== null && 'fraction' in value;
}

/** Where the rows are and how to read them. */
export const corpusSection = z
  .strictObject({
    train: fileOrFiles.describe(
      'Rows to learn from; a row without a label takes part in the soft loss only.',
    ),
    validation: z
      .union([fileOrFiles, z.strictObject({ fraction: z.number().gt(0).lt(0.5) })])
      .describe(
        'Rows to choose by; or { fraction: 0.1 }: a share of train by hash, so growth moves no row.',
      ),
    test: fileOrFiles.describe('Rows to measure with; their labels are read by evaluate only.'),
    corrections: fileOrFiles
      .optional()
      .describe(
        'Files of labels that people corrected (columns example_id, corrected_label): what `decant labels review` wrote, filled in. The corpus itself stays as it is.',
      ),
    columns: prepareConfigSchema.shape.columns.describe(
      'Names of the columns (CSV) or keys (JSONL).',
    ),
    textUnit: prepareConfigSchema.shape.textUnit,
    maskShare: prepareConfigSchema.shape.maskShare,
    onConflict: prepareConfigSchema.shape.onConflict,
    leaks: prepareConfigSchema.shape.leaks,
    maxRejects: prepareConfigSchema.shape.maxRejects,
    classNames: prepareConfigSchema.shape.classNames,
    limit: prepareConfigSchema.shape.limit,
    separator: prepareConfigSchema.shape.separator,
    license: z
      .string()
      .optional()
      .describe('Licence of the texts: goes into manifest, card and report.'),
  })
  .describe('Where the rows are and how to read them.');
