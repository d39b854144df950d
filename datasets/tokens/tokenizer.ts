import { readFile } from 'node:fs/promises';
import { type Encoding, mergeEncodings, Tokenizer } from 'tokenizers';
import { digestOf } from '#cache/digest.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import { headAndTail, type TextCut, type TokenisedText, windowsOf } from './long-texts.ts';
import {
  BadTokenizerError,
  hasBareWords,
  parseTokenizerJson,
  withMaxLength,
  withoutMaxLength,
} from './tokenizer-json.ts';

/** What is tokenised: one text, or two for a pair task. */
export interface TokenizerInput {
  readonly text: string;
  readonly textPair: string | null;
}

/** Token ids of a sentence that came as words. */
export interface EncodedWords extends TokenisedText {
  /** Place of the first token of each word that has one and was not cut there. */
  readonly answerAt: readonly number[];
  /** Numbers of those words, from 0. */
  readonly wordNumbers: readonly number[];
}

/** A tokenizer.json at work: cuts at `maxLength`, never pads. */
export interface TextTokenizer {
  /** SHA-256 of the bytes of tokenizer.json, and of the cut where it is another than `truncate`. */
  readonly digest: string;
  readonly maxLength: number;
  /** All of one call at once, on all cores; keep it to about a thousand inputs. */
  encode(inputs: readonly TokenizerInput[]): Promise<TokenisedText[]>;
  /** Sentences cut into words already: each word is tokenised alone, as transformers' is_split_into_words does. */
  encodeWords(sentences: readonly (readonly string[])[]): Promise<EncodedWords[]>;
  /** The text of some tokens, without special ones. */
  decode(ids: ArrayLike<number>): Promise<string>;
  /** Words get no space before them, so that they are cut as if each began a text (byte-level BPE). */
  readonly gluesWords: boolean;
}

/** Opens a tokenizer.json. Only `truncate` cuts pairs. */
export async function openTokenizer(
  path: string,
  maxLength: number,
  cut: TextCut = { type: 'truncate' },
): Promise<TextTokenizer> {
  const bytes = await readFile(path);
  const json = withMaxLength(parseTokenizerJson(bytes.toString('utf8'), path), maxLength);
  const uncut = createTokenizer(JSON.stringify(withoutMaxLength(json)), path);
  const tokenizer = createTokenizer(JSON.stringify(json), path);
  const side = json.truncation?.direction ?? 'Right';
  const digest = digestOf(bytes);
  return {
    digest: cut.type === 'truncate' ? digest : digestOf(canonicalJson({ tokenizer: digest, cut })),
    maxLength,
    encode: async (inputs) => {
      const encodings = await encodeAll(cut.type === 'truncate' ? tokenizer : uncut, inputs);
      return encodings.map((encoding) => cutBy(cut, encoding, maxLength));
    },
    decode: (ids) => uncut.decode(Array.from(ids), true),
    encodeWords: (sentences) => encodeSentences({ tokenizer, uncut, side }, sentences),
    gluesWords: hasBareWords(json.pre_tokenizer),
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

/**
 * The package takes no sentence of words, so we do what its Rust does for one: every word is encoded without
 * special tokens, the parts are joined, and the post-processor cuts the whole and puts the frame around it.
 */
async function encodeSentences(
  tokenizers: { readonly tokenizer: Tokenizer; readonly uncut: Tokenizer; readonly side: string },
  sentences: readonly (readonly string[])[],
): Promise<EncodedWords[]> {
  const words = [...new Set(sentences.flat())];
  const encodings = await tokenizers.uncut.encodeBatch(words, { addSpecialTokens: false });
  const byWord = new Map(words.map((word, index) => [word, encodings[index]]));
  return sentences.map((sentence) => {
    const parts = sentence.flatMap((word) => byWord.get(word) ?? []);
    const whole = tokenizers.tokenizer.postProcess(mergeEncodings(parts));
    const lengths = parts.map((part) => part.getLength());
    return {
      ...cutBy({ type: 'truncate' }, whole, 0),
      ...firstTokens(whole, lengths, tokenizers.side),
    };
  });
}

/** Where the first token of each word came to lie; a word without tokens, or cut at its first one, has none. */
function firstTokens(
  whole: Encoding,
  lengths: readonly number[],
  side: string,
): Pick<EncodedWords, 'answerAt' | 'wordNumbers'> {
  const isFrame = whole.getSpecialTokensMask();
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const kept = isFrame.filter((flag) => flag === 0).length;
  const shift = isFrame.indexOf(0) - (side === 'Left' ? total - kept : 0);
  const end = isFrame.lastIndexOf(0);
  const answerAt: number[] = [];
  const wordNumbers: number[] = [];
  let before = 0;
  for (const [word, length] of lengths.entries()) {
    const at = before + shift;
    before += length;
    if (length === 0 || at < isFrame.indexOf(0) || at > end) continue;
    answerAt.push(at);
    wordNumbers.push(word);
  }
  return { answerAt, wordNumbers };
}
