import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { BadTokenizerError, type TokenizerJson } from '#datasets/tokens/tokenizer-json.ts';

/** Only WordPiece can lose pieces and still cut every other word the same way. */
class UntrimmableTokenizerError extends Failure {
  constructor(path: string, model: string) {
    super(
      'model',
      'E_TOKENIZER_TRIM',
      `${path}: a ${model} vocabulary cannot be trimmed, only WordPiece can`,
      'set student.vocabulary: full',
    );
  }
}

/** A tokenizer with fewer pieces, and where the kept ones went. */
export interface TrimmedTokenizer {
  readonly json: TokenizerJson;
  /** New id of each kept old id. */
  readonly newIds: ReadonlyMap<number, number>;
}

/**
 * Keeps the pieces that are used, the special tokens and the single characters of the scripts in use, and
 * renumbers them in their old order. A word whose pieces are all kept is cut as before: the longest match is
 * still there. Single characters keep words that the train split never had from becoming unknown; those of
 * other scripts would be half of a small student's table (measured on banking77: 4,248 pieces instead of
 * 2,588) and never trained.
 */
export function trimVocabulary(
  tokenizer: TokenizerJson,
  usedIds: ReadonlySet<number>,
  path: string,
): TrimmedTokenizer {
  const model = wordPieceOf(tokenizer, path);
  const pieces = Object.entries(model.vocab).sort(([, a], [, b]) => a - b);
  const added = new Set(tokenizer.added_tokens.map((token) => token.content));
  const prefix = model.continuing_subword_prefix;
  const blocks = blocksOf(
    pieces.filter(([, id]) => usedIds.has(id)).map(([piece]) => bareOf(piece, prefix)),
  );
  const kept = pieces.filter(
    ([piece, id]) =>
      usedIds.has(id) ||
      added.has(piece) ||
      piece === model.unk_token ||
      isSingleCharacter(bareOf(piece, prefix), blocks),
  );
  const vocabulary = new Map(kept.map(([piece], newId) => [piece, newId]));
  const newIds = new Map(kept.map(([, oldId], newId) => [oldId, newId]));
  // Tokens that were added behind the vocabulary of the model stay behind it.
  for (const token of tokenizer.added_tokens) {
    if (!newIds.has(token.id)) newIds.set(token.id, newIds.size);
  }
  return { json: renumber(tokenizer, model, vocabulary, newIds, path), newIds };
}

function renumber(
  tokenizer: TokenizerJson,
  model: WordPiece,
  vocabulary: ReadonlyMap<string, number>,
  newIds: ReadonlyMap<number, number>,
  path: string,
): TokenizerJson {
  return {
    ...tokenizer,
    added_tokens: tokenizer.added_tokens.map((token) => ({
      ...token,
      id: newIdOf(token.id, newIds, path),
    })),
    post_processor: renumberProcessor(tokenizer.post_processor, newIds, path),
    model: { ...model, type: 'WordPiece', vocab: Object.fromEntries(vocabulary) },
  };
}

/** The ids that a post-processor writes around a text; its kinds keep them in different places. */
function renumberProcessor(
  value: unknown,
  newIds: ReadonlyMap<number, number>,
  path: string,
): unknown {
  const parsed = postProcessorSchema.safeParse(value);
  if (!parsed.success) throw new BadTokenizerError(path, z.prettifyError(parsed.error));
  const processor = parsed.data;
  const renumbered = (id: number): number => newIdOf(id, newIds, path);
  switch (processor?.type) {
    case undefined:
    case 'ByteLevel':
      return processor;
    case 'TemplateProcessing':
      return {
        ...processor,
        special_tokens: Object.fromEntries(
          Object.entries(processor.special_tokens).map(([name, token]) => [
            name,
            { ...token, ids: token.ids.map(renumbered) },
          ]),
        ),
      };
    case 'BertProcessing':
    case 'RobertaProcessing':
      return {
        ...processor,
        sep: [processor.sep[0], renumbered(processor.sep[1])],
        cls: [processor.cls[0], renumbered(processor.cls[1])],
      };
    case 'Sequence':
      return {
        ...processor,
        processors: processor.processors.map((inner) => renumberProcessor(inner, newIds, path)),
      };
    default:
      return processor satisfies never;
  }
}

function newIdOf(oldId: number, newIds: ReadonlyMap<number, number>, path: string): number {
  const newId = newIds.get(oldId);
  if (newId !== undefined) return newId;
  throw new BadTokenizerError(path, `its post_processor writes token ${oldId}, which no token has`);
}

function wordPieceOf(tokenizer: TokenizerJson, path: string): WordPiece {
  const type = tokenizer.model.type ?? 'untyped';
  if (type !== 'WordPiece') throw new UntrimmableTokenizerError(path, type);
  const parsed = wordPieceSchema.safeParse(tokenizer.model);
  if (parsed.success) return parsed.data;
  throw new BadTokenizerError(path, z.prettifyError(parsed.error));
}

function bareOf(piece: string, prefix: string): string {
  return piece.startsWith(prefix) && piece !== prefix ? piece.slice(prefix.length) : piece;
}

/** A character counts as of a script in use when another of its 128 code points is used. */
function isSingleCharacter(piece: string, blocks: ReadonlySet<number>): boolean {
  const [first = 0, ...rest] = Array.from(piece, blockOf);
  return rest.length === 0 && blocks.has(first);
}

function blocksOf(pieces: readonly string[]): Set<number> {
  return new Set([ASCII_BLOCK, ...pieces.flatMap((piece) => Array.from(piece, blockOf))]);
}

function blockOf(character: string): number {
  return (character.codePointAt(0) ?? 0) >> 7;
}

const ASCII_BLOCK = 0;

type WordPiece = z.infer<typeof wordPieceSchema>;

const wordPieceSchema = z.looseObject({
  vocab: z.record(z.string(), z.int().min(0)),
  unk_token: z.string().default('[UNK]'),
  continuing_subword_prefix: z.string().default('##'),
});

const namedToken = z.tuple([z.string(), z.int()]);

const postProcessorSchema = z
  .discriminatedUnion('type', [
    z.looseObject({
      type: z.literal('TemplateProcessing'),
      special_tokens: z.record(z.string(), z.looseObject({ ids: z.array(z.int()) })),
    }),
    z.looseObject({ type: z.literal('BertProcessing'), sep: namedToken, cls: namedToken }),
    z.looseObject({ type: z.literal('RobertaProcessing'), sep: namedToken, cls: namedToken }),
    z.looseObject({ type: z.literal('ByteLevel') }),
    z.looseObject({ type: z.literal('Sequence'), processors: z.array(z.unknown()) }),
  ])
  .nullish();
