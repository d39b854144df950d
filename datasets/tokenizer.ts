import { readFile } from 'node:fs/promises';
import { type Encoding, Tokenizer } from 'tokenizers';
import { digestOf } from '#cache/digest.ts';
import { BadTokenizerError, parseTokenizerJson, withMaxLength } from './tokenizer-json.ts';

/** What is tokenised: one text, or two for a pair task. */
export interface TokenizerInput {
  readonly text: string;
  readonly textPair: string | null;
}

/** Token ids of one input, special tokens included. */
export interface EncodedText {
  readonly ids: readonly number[];
  /** Which of the two texts a token belongs to. */
  readonly typeIds: readonly number[];
  /** True where tokens were cut off. */
  readonly truncated: boolean;
}

/** A tokenizer.json at work: cuts at `maxLength`, never pads. */
export interface TextTokenizer {
  /** SHA-256 of the bytes of tokenizer.json. */
  readonly digest: string;
  readonly maxLength: number;
  /** All of one call at once, on all cores; keep it to about a thousand inputs. */
  encode(inputs: readonly TokenizerInput[]): Promise<EncodedText[]>;
}

/** Opens a tokenizer.json. */
export async function openTokenizer(path: string, maxLength: number): Promise<TextTokenizer> {
  const bytes = await readFile(path);
  const json = withMaxLength(parseTokenizerJson(bytes.toString('utf8'), path), maxLength);
  const tokenizer = createTokenizer(JSON.stringify(json), path);
  return {
    digest: digestOf(bytes),
    maxLength,
    encode: async (inputs) => (await encodeAll(tokenizer, inputs)).map(toEncodedText),
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

function toEncodedText(encoding: Encoding): EncodedText {
  return {
    ids: encoding.getIds(),
    typeIds: encoding.getTypeIds(),
    truncated: encoding.getOverflowing().length > 0,
  };
}
