import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type AnswerRules, answerOf } from './student-answers.ts';

/** Where values fall: `edges` part them into one more bin than there are edges, each with its share. */
const binnedSchema = z.strictObject({
  edges: z.array(z.number()),
  shares: z.array(z.number().min(0).max(1)),
});

const baselineSchema = z.strictObject({
  formatVersion: z.literal(1),
  rows: z.int().positive(),
  /** Share of each predicted class, in class order. */
  classes: z.array(z.strictObject({ label: z.string(), share: z.number().min(0).max(1) })),
  confidence: binnedSchema,
  /** Tokens of a text, special ones included. */
  length: binnedSchema,
  /** Share of a text's tokens that the vocabulary does not know. */
  unknown: binnedSchema,
});

/** Values by bin. */
export type Binned = z.infer<typeof binnedSchema>;

/** What a student met and said on validation: `baseline.json` of its export. */
export type Baseline = z.infer<typeof baselineSchema>;

/** What is looked at of one answered text. */
export interface ObservedText {
  readonly label: string;
  readonly confidence: number;
  /** Null where the text is not known. */
  readonly length: number | null;
  readonly unknownShare: number | null;
}

/** What `decant predict` says of a row of logits, which are divided by the temperature of the operating point. */
export function observedLabel(
  logits: Float32Array,
  {
    temperature,
    ...rules
  }: Pick<AnswerRules, 'classNames' | 'task'> & { readonly temperature: number },
): Pick<ObservedText, 'label' | 'confidence'> {
  const operatingPoint = { goal: '', temperature, threshold: 0, thresholds: {} };
  const { label, confidence } = answerOf(logits, { ...rules, operatingPoint }, 1);
  return { label, confidence };
}

/** Tokens of a text, and how many of them the vocabulary does not know. */
export function observedTokens(
  tokenIds: ArrayLike<number>,
  unknownId: number | undefined,
): { readonly length: number; readonly unknownShare: number } {
  const unknown = Array.from(tokenIds).filter((id) => id === unknownId).length;
  return { length: tokenIds.length, unknownShare: unknown / Math.max(1, tokenIds.length) };
}

/** Counts what was observed; bins are tenths of what is there, so that each has its share of the evidence. */
export function baselineOf(
  texts: readonly ObservedText[],
  classNames: readonly string[],
): Baseline {
  const numbers = (of: (text: ObservedText) => number | null) =>
    texts.map(of).filter((value) => value !== null);
  const tenths = (values: readonly number[]) => binned(values, tenthsOf(values));
  return {
    formatVersion: 1,
    rows: texts.length,
    classes: classShares(texts, classNames).map((share, id) => ({
      label: classNames[id] ?? '',
      share,
    })),
    confidence: tenths(numbers(({ confidence }) => confidence)),
    length: tenths(numbers(({ length }) => length)),
    unknown: binned(
      numbers(({ unknownShare }) => unknownShare),
      UNKNOWN_EDGES,
    ),
  };
}

/** Share of each class among the answers. */
export function classShares(
  texts: readonly Pick<ObservedText, 'label'>[],
  classNames: readonly string[],
): number[] {
  const counts = new Map<string, number>();
  for (const { label } of texts) counts.set(label, (counts.get(label) ?? 0) + 1);
  return classNames.map((label) => (counts.get(label) ?? 0) / texts.length);
}

/** Share of the values in each bin; a value on an edge falls below it. */
export function binned(values: readonly number[], edges: readonly number[]): Binned {
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  for (const value of values) {
    const above = edges.findIndex((edge) => value <= edge);
    const bin = above < 0 ? edges.length : above;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { edges: [...edges], shares: counts.map((count) => count / Math.max(1, values.length)) };
}

/** Checks the text of a baseline.json; throws zod's error. */
export function parseBaseline(text: string): Baseline {
  return baselineSchema.parse(JSON.parse(text));
}

/** Id of the token for what a vocabulary does not know; undefined where a tokenizer has none. */
export async function unknownTokenId(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, 'tokenizer.json'), 'utf8');
  const { data } = tokenizerSchema.safeParse(JSON.parse(text));
  if (data === undefined) return undefined;
  const { unk_id: id, unk_token: token, vocab } = data.model;
  if (typeof id === 'number') return id;
  if (typeof token !== 'string' || Array.isArray(vocab)) return undefined;
  return Object.hasOwn(vocab, token) ? vocab[token] : undefined;
}

/** Values that part a list into ten parts of about equal size, equal ones once. */
function tenthsOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (tenth: number) => sorted[Math.floor((tenth * (sorted.length - 1)) / 10)];
  const edges = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(at).filter((edge) => edge !== undefined);
  return [...new Set(edges)];
}

export const BASELINE_FILE = 'baseline.json';

const UNKNOWN_EDGES = [0, 0.05, 0.2];

const tokenizerSchema = z.object({
  model: z.object({
    unk_id: z.int().nullish(),
    unk_token: z.string().nullish(),
    vocab: z.union([z.record(z.string(), z.int()), z.array(z.unknown())]),
  }),
});
