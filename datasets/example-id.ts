import { createHash } from 'node:crypto';
import type { FeatureRow } from './features.ts';

/** Id of an example: the first 128 bits of SHA-256 of exactly what is tokenised, 32 hex digits. */
export function exampleIdOf(text: string, textPair: string | null = null): string {
  // Texts hold no NUL (the corpus reader rejects it), so a pair never looks like a single text.
  const content = textPair === null ? text : `${text}\u0000${textPair}`;
  return createHash('sha256').update(content, 'utf8').digest('hex').slice(0, 32);
}

/** Id of an example with tensors: over its text, where it has one, and the float32 bytes of its values. */
export function tensorIdOf(text: string, textPair: string | null, features: FeatureRow): string {
  const hash = createHash('sha256').update(textPair === null ? text : `${text}\u0000${textPair}`);
  for (const [name, values] of Object.entries(features).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { buffer, byteOffset, byteLength } = values;
    // Two NULs, the name and the count: no pair of texts looks like it, and no other cut of the values.
    hash.update(`\u0000\u0000${name}\u0000${values.length}\u0000`, 'utf8');
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex').slice(0, 32);
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
  readonly features?: FeatureRow;
}): ExampleIdentity {
  const { text, textPair, words, features } = row;
  if (features !== undefined) return tensorIdentity(text, textPair, features);
  const exampleId = words === undefined ? exampleIdOf(text, textPair) : exampleIdOfWords(words);
  return { exampleId, leakKey: leakKeyOf(text, textPair) };
}

/** Numbers that differ at all are different rows; only the text beside them may be written otherwise. */
function tensorIdentity(
  text: string,
  textPair: string | null,
  features: FeatureRow,
): ExampleIdentity {
  const exampleId = tensorIdOf(text, textPair, features);
  const values = tensorIdOf('', null, features);
  const leakKey = text === '' ? exampleId : `${leakKeyOf(text, textPair)}\u0000${values}`;
  return { exampleId, leakKey };
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
