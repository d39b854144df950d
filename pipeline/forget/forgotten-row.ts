import { z } from 'zod';
import { SPLITS, type StoredExample } from '#datasets/example.ts';
import { leakKeyOf } from '#datasets/example-id.ts';

/** All that the store knows of an example that is to be forgotten. */
export const forgottenRowSchema = z.strictObject({
  exampleId: z.string(),
  sourceId: z.string().nullable(),
  split: z.enum(SPLITS),
  /** Null where no table of the store has it. */
  text: z.string().nullable(),
  textPair: z.string().nullable(),
  /** A changed form of a row that is to be forgotten, made by an augmentation: it goes, and needs no tombstone. */
  isView: z.literal(true).optional(),
});

export type ForgottenRow = z.infer<typeof forgottenRowSchema>;

/** Key of a row's text without case and signs; null where the store has no text. */
export function leakKeyIn({
  text,
  textPair,
}: Pick<StoredExample, 'text' | 'textPair'>): string | null {
  return text === null ? null : leakKeyOf(text, textPair);
}

/** The rows themselves, without their views. */
export function corpusRows(rows: readonly ForgottenRow[]): ForgottenRow[] {
  return rows.filter(({ isView }) => isView !== true);
}

/** How many of them each split has, and how many views of train rows there are. */
export function rowsPerSplit(rows: readonly ForgottenRow[]): Record<string, number> {
  const ofCorpus = corpusRows(rows);
  const counts: (readonly [string, number])[] = [
    ...SPLITS.map(
      (split) => [split, ofCorpus.filter((row) => row.split === split).length] as const,
    ),
    ['view', rows.length - ofCorpus.length],
  ];
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}
