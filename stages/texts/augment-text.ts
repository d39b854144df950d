import { z } from 'zod';
import { shuffle } from '#stages/numerics/random.ts';

const share = z.number().gt(0).max(0.5).optional();

/** What makes one view of each train row: shares of the words that are changed, of each kind at least one. */
export const augmentationSchema = z
  .strictObject({
    dropWords: share.describe('Share of the words that are left out.'),
    swapWords: share.describe('Share of the words that change places with the next one.'),
    swapLetters: share.describe(
      'Share of the words in which two neighbouring letters change places.',
    ),
  })
  .refine((one) => Object.values(one).some((value) => value !== undefined), {
    message: 'name what is done: dropWords, swapWords or swapLetters, such as dropWords: 0.1',
  });

export type Augmentation = z.infer<typeof augmentationSchema>;

/**
 * A changed form of a text; the text itself where it has too few words. After Wei & Zou 2019, "EDA: Easy Data
 * Augmentation": labels survive when few words are dropped or moved. A word is what stands between white space.
 */
export function augmentText(
  text: string,
  { dropWords, swapWords, swapLetters }: Augmentation,
  random: () => number,
): string {
  let words = text.trim().split(/\s+/u);
  if (dropWords !== undefined) words = withoutWords(words, dropWords, random);
  if (swapWords !== undefined) words = withSwappedWords(words, swapWords, random);
  if (swapLetters !== undefined) words = withSwappedLetters(words, swapLetters, random);
  return words.join(' ');
}

/** Both texts of a pair changed, or the only one. */
export function augmentTexts(
  { text, textPair }: Texts,
  augmentation: Augmentation,
  random: () => number,
): Texts {
  return {
    text: augmentText(text, augmentation, random),
    textPair: textPair === null ? null : augmentText(textPair, augmentation, random),
  };
}

/** What is read of an example. */
interface Texts {
  readonly text: string;
  readonly textPair: string | null;
}

function withoutWords(words: readonly string[], share: number, random: () => number): string[] {
  if (words.length < 2) return [...words];
  const dropped = new Set(placesIn(words.length, share, random));
  return words.filter((_, place) => !dropped.has(place));
}

function withSwappedWords(words: readonly string[], share: number, random: () => number): string[] {
  if (words.length < 2) return [...words];
  const swapped = [...words];
  for (const place of placesIn(words.length - 1, share, random)) swap(swapped, place);
  return swapped;
}

function withSwappedLetters(
  words: readonly string[],
  share: number,
  random: () => number,
): string[] {
  const misspelt = new Set(placesIn(words.length, share, random));
  return words.map((word, place) => {
    if (!misspelt.has(place)) return word;
    // Whole characters, so that a combining mark or a joined emoji stays where it belongs.
    const letters = Array.from(CHARACTERS.segment(word), ({ segment }) => segment);
    if (letters.length < 2) return word;
    swap(letters, Math.floor(random() * (letters.length - 1)));
    return letters.join('');
  });
}

/** At least one place; fewer than all where there are two. */
function placesIn(count: number, share: number, random: () => number): number[] {
  return shuffle(Array(count).keys(), random).slice(0, Math.max(1, Math.round(share * count)));
}

function swap(values: string[], place: number): void {
  const [one, next] = values.slice(place, place + 2);
  if (one !== undefined && next !== undefined) values.splice(place, 2, next, one);
}

const CHARACTERS = new Intl.Segmenter('und', { granularity: 'grapheme' });
