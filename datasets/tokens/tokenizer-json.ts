import { z } from 'zod';
import { Failure } from '#cache/failure.ts';

/** The text is not a tokenizer.json that the `tokenizers` package understands. */
export class BadTokenizerError extends Failure {
  constructor(path: string, detail: string) {
    super(
      'model',
      'E_TOKENIZER',
      `${path}: not a usable tokenizer.json: ${detail}`,
      'save it with the fast tokenizer of the model: AutoTokenizer.from_pretrained(MODEL).save_pretrained(DIR)',
    );
  }
}

/** What we read and change of a tokenizer.json; everything else passes through untouched. */
export type TokenizerJson = z.infer<typeof tokenizerJsonSchema>;

/** Checks the text of a tokenizer.json; `path` is for the message. */
export function parseTokenizerJson(text: string, path: string): TokenizerJson {
  const parsed = tokenizerJsonSchema.safeParse(jsonOf(text, path));
  if (!parsed.success) throw new BadTokenizerError(path, z.prettifyError(parsed.error));
  return parsed.data;
}

/**
 * The same tokenizer, cut at `maxLength` tokens and never padded. Fast tokenizers write the truncation and
 * padding of their last call into the file, so what stands there is no wish of the user; only its side is.
 */
export function withMaxLength(tokenizer: TokenizerJson, maxLength: number): TokenizerJson {
  const direction = tokenizer.truncation?.direction ?? 'Right';
  const strategy = tokenizer.truncation?.strategy ?? 'LongestFirst';
  return {
    ...tokenizer,
    truncation: { direction, max_length: maxLength, strategy, stride: 0 },
    padding: null,
  };
}

/** The same tokenizer, which neither cuts nor pads. */
export function withoutMaxLength(tokenizer: TokenizerJson): TokenizerJson {
  return { ...tokenizer, truncation: null, padding: null };
}

/** Every piece of the vocabulary at the place of its id, added tokens included; ids without a piece are undefined. */
export function piecesOf({ model, added_tokens: added }: TokenizerJson): (string | undefined)[] {
  const entries = Array.isArray(model.vocab)
    ? unigramSchema.parse(model.vocab).map(([piece], id) => [piece, id] as const)
    : Object.entries(vocabularySchema.catch({}).parse(model.vocab));
  const pieces: (string | undefined)[] = [];
  for (const [piece, id] of entries) pieces[id] = piece;
  for (const { id, content } of added) pieces[id] = content;
  return Array.from(pieces);
}

/** Kind of a tokenizer, such as WordPiece, and one more than its largest id. */
export interface TokenizerVocabulary {
  readonly kind: string;
  readonly size: number;
}

/** Ids are what the rows of an embedding are counted by, so holes count too. */
export function vocabularyOf({ model, added_tokens: added }: TokenizerJson): TokenizerVocabulary {
  const ids = Array.isArray(model.vocab)
    ? [model.vocab.length - 1] // Unigram: a list of pieces in the order of their ids
    : Object.values(vocabularySchema.catch({}).parse(model.vocab));
  const largest = [...ids, ...added.map(({ id }) => id)].reduce((a, b) => Math.max(a, b), -1);
  return { kind: model.type ?? 'unknown', size: largest + 1 };
}

/** Is it byte-level without a space before the first word? */
export function hasBareWords(preTokenizer: unknown): boolean {
  const { data } = preTokenizerSchema.safeParse(preTokenizer);
  if (data?.type === 'Sequence') return data.pretokenizers?.some(hasBareWords) ?? false;
  return data?.type === 'ByteLevel' && data.add_prefix_space !== true;
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadTokenizerError(path, error instanceof Error ? error.message : String(error));
  }
}

const unigramSchema = z.array(z.tuple([z.string(), z.number()]));
const vocabularySchema = z.record(z.string(), z.int());

const preTokenizerSchema = z.looseObject({
  type: z.string(),
  add_prefix_space: z.boolean().optional(),
  pretokenizers: z.array(z.unknown()).optional(),
});

const addedTokenSchema = z.looseObject({
  id: z.int().min(0),
  content: z.string(),
  special: z.boolean().default(false),
});

const tokenizerJsonSchema = z.looseObject({
  truncation: z
    .looseObject({ direction: z.string().optional(), strategy: z.string().optional() })
    .nullish(),
  padding: z.unknown().optional(),
  added_tokens: z.array(addedTokenSchema).default([]),
  pre_tokenizer: z.unknown().optional(),
  post_processor: z.unknown().optional(),
  // The vocabulary stays unchecked: it may have hundreds of thousands of entries.
  model: z.looseObject({ type: z.string().optional(), vocab: z.unknown() }),
});
