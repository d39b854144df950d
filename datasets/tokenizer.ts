import { readFile } from 'node:fs/promises';
import { type Encoding, Tokenizer } from 'tokenizers';
import { digestOf } from '#cache/digest.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import { headAndTail, type TextCut, type TokenisedText, windowsOf } from './long-texts.ts';
import {
  BadTokenizerError,
  parseTokenizerJson,
  withMaxLength,
  withoutMaxLength,
} from './tokenizer-json.ts';

/** What is tokenised: one text, or two for a pair task. */
export interface TokenizerInput {
  readonly text: string;
  readonly textPair: string | null;
}

/** A tokenizer.json at work: cuts at `maxLength`, never pads. */
export interface TextTokenizer {
  /** SHA-256 of the bytes of tokenizer.json, and of the cut where it is another than `truncate`. */
  readonly digest: string;
  readonly maxLength: number;
  /** All of one call at once, on all cores; keep it to about a thousand inputs. */
  encode(inputs: readonly TokenizerInput[]): Promise<TokenisedText[]>;
}

/** Opens a tokenizer.json. Only `truncate` cuts pairs. */
export async function openTokenizer(
  path: string,
  maxLength: number,
  cut: TextCut = { type: 'truncate' },
): Promise<TextTokenizer> {
  const bytes = await readFile(path);
  const json = parseTokenizerJson(bytes.toString('utf8'), path);
  const fitted = cut.type === 'truncate' ? withMaxLength(json, maxLength) : withoutMaxLength(json);
  const tokenizer = createTokenizer(JSON.stringify(fitted), path);
  const digest = digestOf(bytes);
  return {
    digest: cut.type === 'truncate' ? digest : digestOf(canonicalJson({ tokenizer: digest, cut })),
    maxLength,
    encode: async (inputs) =>
      (await encodeAll(tokenizer, inputs)).map((encoding) => cutBy(cut, encoding, maxLength)),
  };
}

function createTokenizer(json: string, path: string): Tokenizer {
  try {
    return Tokenizer.fromString(json);
  } catch (error) {
    throw new BadTokenizerError(path, error instanceof Error ? error.message : String(error));
  }
}

async function encodeAll(
  tokenizer: Tokenizer,
  inputs: readonly TokenizerInput[],
): Promise<Encoding[]> {
  const texts = inputs.flatMap(({ text, textPair }) => (textPair === null ? [text] : []));
  if (texts.length === inputs.length) return tokenizer.encodeBatch(texts);
  // encodeBatch of tokenizers 0.23.2 throws `StringExpected` on pairs; one by one they work.
  return Promise.all(inputs.map(({ text, textPair }) => tokenizer.encode(text, textPair)));
}

function cutBy(cut: TextCut, encoding: Encoding, maxLength: number): TokenisedText {
  const [ids, typeIds] = [encoding.getIds(), encoding.getTypeIds()];
  const isSpecial = () => encoding.getSpecialTokensMask();
  switch (cut.type) {
    case 'truncate':
      return { ids, typeIds, truncated: encoding.getOverflowing().length > 0 };
    case 'whole':
      return { ids, typeIds, truncated: false };
    case 'head-tail':
      return headAndTail({ ids, typeIds, isSpecial: isSpecial() }, maxLength);
    case 'windows':
      return windowsOf({ ids, typeIds, isSpecial: isSpecial() }, maxLength, cut.overlap);
    default:
      return cut satisfies never;
  }
}
