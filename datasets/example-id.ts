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
