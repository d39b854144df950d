import { createHash } from 'node:crypto';

/** Id of an example: the first 128 bits of SHA-256 of exactly what is tokenised, 32 hex digits. */
export function exampleIdOf(text: string, textPair: string | null = null): string {
  // Texts hold no NUL (the corpus reader rejects it), so a pair never looks like a single text.
  const content = textPair === null ? text : `${text}\u0000${textPair}`;
  return createHash('sha256').update(content, 'utf8').digest('hex').slice(0, 32);
}

/** Id of a sentence that is given as words; no text and no pair of texts has the same content. */
export function exampleIdOfWords(words: readonly string[]): string {
  // A text is never empty, so that a pair does not begin with a NUL.
  return exampleIdOf('', words.join('\u0000'));
}

/** What an example is known by: see above. */
export interface ExampleIdentity {
  readonly exampleId: string;
  readonly leakKey: string;
}

/** Identity of a row of the corpus, whatever it is made of. */
export function identityOf(row: {
  readonly text: string;
  readonly textPair: string | null;
  readonly words?: readonly string[];
}): ExampleIdentity {
  const { text, textPair, words } = row;
  const exampleId = words === undefined ? exampleIdOf(text, textPair) : exampleIdOfWords(words);
  return { exampleId, leakKey: leakKeyOf(text, textPair) };
}

/**
 * What two texts share that a person would call the same: NFKC, lower case, runs of non-word characters as
 * one space. For duplicates and leaks only, never an id.
 */
export function leakKeyOf(text: string, textPair: string | null = null): string {
  return textPair === null ? wordsOf(text) : `${wordsOf(text)}\u0000${wordsOf(textPair)}`;
}

function wordsOf(text: string): string {
  const folded = text.normalize('NFKC').toLowerCase();
  const words = folded.replace(nonWordRuns, ' ').trim();
  // "?!" and an emoji hold no word at all; one empty key would make all such texts equal.
  return words === '' ? folded.trim() : words;
}

/** Marks (\p{M}) are part of a word: without them Hindi or Thai words that differ in a vowel become equal. */
const nonWordRuns = /[^\p{L}\p{M}\p{N}_]+/gu;
