import { z } from 'zod';
import { hintFor } from '#datasets/nearest-name.ts';
import { variantSettings } from './students.ts';

const rangeSchema = z
  .strictObject({
    from: z.number().describe('Least value.'),
    to: z.number().describe('Greatest value.'),
    scale: z
      .enum(['linear', 'log'])
      .default('linear')
      .describe('log: as many values between 1 and 10 as between 10 and 100.'),
  })
  .refine(({ from, to }) => from < to, { path: ['to'], message: 'must be above from' })
  .refine(({ from, scale }) => scale === 'linear' || from > 0, {
    path: ['from'],
    message: 'must be above 0 on a logarithmic scale',
  });

const choicesSchema = z.array(z.unknown()).min(1);

/** `sweep`: settings that `decant sweep` tries. */
export const sweepSection = z
  .strictObject({
    variant: z
      .string()
      .optional()
      .describe('Variant that the trials are but for these settings. Default: the exported one.'),
    over: z
      .record(z.string(), z.union([choicesSchema, rangeSchema]))
      .refine((over) => Object.keys(over).length > 0, 'name at least one setting')
      .superRefine((over, context) => {
        for (const [setting, values] of Object.entries(over)) {
          for (const message of problemsOf(setting, values)) {
            context.addIssue({ code: 'custom', path: [setting], message });
          }
        }
      })
      .describe(
        'What differs, by setting of a variant: a list (hiddenSize: [64, 128]) or a range (learningRate: { from: 0.0003, to: 0.003, scale: log }).',
      ),
    trials: z
      .int()
      .min(1)
      .optional()
      .describe('So many drawn at random. Default: every combination of the lists.'),
    seed: z.int().min(0).default(1).describe('Decides what is drawn.'),
  })
  .describe('What `decant sweep` tries; no other command reads it.');

/** The section, checked and with its defaults. */
export type SweepSection = z.infer<typeof sweepSection>;

/** Values between two numbers. */
export type SweepRange = z.infer<typeof rangeSchema>;

/** What is wrong with the values of one setting, by the schema of a variant. */
function problemsOf(setting: string, values: readonly unknown[] | SweepRange): string[] {
  const field = fieldOf(setting);
  if (field === undefined && OF_ALL.includes(setting)) {
    return [
      `belongs to student alone, as the corpus is tokenised once for all students: set student.${setting}, and sweep once for each value`,
    ];
  }
  if (field === undefined) {
    return [`is no setting of a variant; ${hintFor(setting, Object.keys(variantSettings.shape))}`];
  }
  const asked = isRange(values) ? [values.from, values.to] : values;
  return asked.flatMap((value) => {
    const { error } = field.safeParse(value);
    return error === undefined
      ? []
      : [`${JSON.stringify(value)}: ${error.issues.map(({ message }) => message).join(', ')}`];
  });
}

/** Settings that `prepare` reads. */
const OF_ALL: readonly string[] = ['vocabulary', 'longTexts'];

/** Schema of a setting of a variant; undefined where there is none of this name. */
export function fieldOf(setting: string): z.ZodType | undefined {
  const fields: Readonly<Record<string, z.ZodType>> = variantSettings.shape;
  return Object.hasOwn(fields, setting) ? fields[setting] : undefined;
}

/** A range, and not a list. */
export function isRange(values: readonly unknown[] | SweepRange): values is SweepRange {
  return !Array.isArray(values);
}
