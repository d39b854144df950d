import type { Example } from '#datasets/example.ts';
import type { TokenisedText } from '#datasets/tokens/long-texts.ts';
import type { EncodedWords, TextTokenizer } from '#datasets/tokens/tokenizer.ts';
import type { TokenAnswers, TokenTable } from '#datasets/tokens/tokens.ts';

/** Tokenises examples in chunks; yields the number of rows done so far. */
export async function* tokenise(
  examples: readonly Example[],
  tokenizer: TextTokenizer,
  signal: AbortSignal,
): AsyncGenerator<number, TokenTable, void> {
  const chunks: EncodedChunk[] = [];
  for (let from = 0; from < examples.length; from += rowsPerChunk) {
    signal.throwIfAborted();
    const part = examples.slice(from, from + rowsPerChunk);
    chunks.push(packChunk(await encode(tokenizer, part)));
    yield from + part.length;
  }
  const ofWords = examples.some(({ words }) => words !== undefined);
  const isPair = examples.some((example) => example.textPair !== null);
  return {
    exampleIds: examples.map((example) => example.exampleId),
    offsets: offsetsOf(chunks.flatMap((chunk) => chunk.lengths)),
    tokenIds: concat(chunks.map((chunk) => chunk.ids)),
    typeIds: isPair ? concat(chunks.map((chunk) => chunk.typeIds)) : null,
    truncated: Uint8Array.from(chunks.flatMap((chunk) => chunk.truncated)),
    ...windowsIn(chunks),
    ...(ofWords && { answers: answersOf(chunks) }),
    tokenizerDigest: tokenizer.digest,
    maxLength: tokenizer.maxLength,
  };
}

/** Rows that lost tokens. */
export function truncatedRows(table: TokenTable): number {
  return table.truncated.reduce((sum, flag) => sum + flag, 0);
}

/** Words where the examples have them, else texts. */
async function encode(
  tokenizer: TextTokenizer,
  part: readonly Example[],
): Promise<readonly (TokenisedText & Partial<EncodedWords>)[]> {
  const sentences = part.flatMap(({ words }) => (words === undefined ? [] : [words]));
  return sentences.length === part.length
    ? tokenizer.encodeWords(sentences)
    : tokenizer.encode(part);
}

function answersOf(chunks: readonly EncodedChunk[]): TokenAnswers {
  return {
    offsets: offsetsOf(chunks.flatMap((chunk) => chunk.answerCounts)),
    at: concat(chunks.map((chunk) => chunk.answerAt)),
    positions: concat(chunks.map((chunk) => chunk.wordNumbers)),
  };
}

/** One chunk in typed arrays: lists of numbers would take several times the memory. */
interface EncodedChunk {
  readonly lengths: number[];
  readonly truncated: number[];
  readonly ids: Int32Array;
  readonly typeIds: Int32Array;
  /** Of texts that are read in windows. */
  readonly windows: readonly (readonly number[])[] | undefined;
  /** Of words only, else empty. */
  readonly answerCounts: number[];
  readonly answerAt: Int32Array;
  readonly wordNumbers: Int32Array;
}

function packChunk(encoded: readonly (TokenisedText & Partial<EncodedWords>)[]): EncodedChunk {
  return {
    lengths: encoded.map(({ ids }) => ids.length),
    truncated: encoded.map(({ truncated }) => (truncated ? 1 : 0)),
    ids: Int32Array.from(encoded.flatMap(({ ids }) => ids)),
    typeIds: Int32Array.from(encoded.flatMap(({ typeIds }) => typeIds)),
    windows: encoded.every(({ windowEnds }) => windowEnds === undefined)
      ? undefined
      : encoded.map(({ windowEnds = [] }) => windowEnds),
    answerCounts: encoded.map(({ answerAt = [] }) => answerAt.length),
    answerAt: Int32Array.from(encoded.flatMap(({ answerAt = [] }) => answerAt)),
    wordNumbers: Int32Array.from(encoded.flatMap(({ wordNumbers = [] }) => wordNumbers)),
  };
}

function windowsIn(chunks: readonly EncodedChunk[]): Pick<TokenTable, 'windowEnds'> {
  if (chunks.every(({ windows }) => windows === undefined)) return {};
  const rows = chunks.flatMap(({ windows = [] }) => windows);
  const offsets = offsetsOf(rows.map((ends) => ends.length));
  return { windowEnds: { values: Int32Array.from(rows.flat()), offsets } };
}

function offsetsOf(lengths: readonly number[]): Int32Array {
  const offsets = new Int32Array(lengths.length + 1);
  for (const [row, length] of lengths.entries()) offsets[row + 1] = (offsets[row] ?? 0) + length;
  return offsets;
}

function concat(parts: readonly Int32Array[]): Int32Array {
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const rowsPerChunk = 1000;
