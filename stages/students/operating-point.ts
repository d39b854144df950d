import { z } from 'zod';
import type { ChosenPoint } from '#datasets/operating-point.ts';

/** What `decant.operating_point` of an exported student's config.json holds. */
export const operatingPointSchema = z.object({
  /** What the thresholds were chosen for on validation, such as `precision >= 0.95`. */
  goal: z.string(),
  /** Logits are divided by it before they become probabilities. */
  temperature: z.number().positive().default(1),
  /** Least confidence to speak with, of classes that have none of their own. */
  threshold: z.number().min(0),
  thresholds: z.record(z.string(), z.number().min(0)).default({}),
  /** Of several labels, least probability of all decisions about a text together; left out: whatever it is. */
  leastSure: z.number().min(0).optional(),
});

/** When a student speaks and when it abstains; a threshold above 1 means never. */
export type OperatingPoint = z.infer<typeof operatingPointSchema>;

/** The part of what was chosen on validation that answers go by. */
export function operatingPointOf({
  temperature,
  threshold,
  thresholds,
  leastSure,
  validation: { goal },
}: ChosenPoint): OperatingPoint {
  return {
    goal,
    temperature,
    threshold,
    thresholds,
    ...(leastSure !== undefined && { leastSure }),
  };
}

/** Is this student not sure enough of its best class? Without an operating point it always speaks. */
export function abstains(
  { label, confidence }: { readonly label: string; readonly confidence: number },
  point: OperatingPoint | undefined,
): boolean {
  return point !== undefined && confidence < thresholdOf(label, point);
}

/** Least confidence of a class. */
export function thresholdOf(label: string, { threshold, thresholds }: OperatingPoint): number {
  return (Object.hasOwn(thresholds, label) ? thresholds[label] : undefined) ?? threshold;
}
