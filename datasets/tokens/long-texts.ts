import { Failure } from '#cache/failure.ts';

/** What may become of a text that has more tokens than a model reads. */
export const LONG_TEXTS = ['truncate', 'head-tail', 'windows', 'reject'] as const;

export type LongTexts = (typeof LONG_TEXTS)[number];

/** How a text is cut into what a model reads at once; `whole` cuts nothing. */
export type TextCut =
  | { readonly type: 'truncate' | 'head-tail' | 'whole' }
  /** Parts that share tokens with their neighbours: `overlap` is the least share of a part, below 1. */
  | { readonly type: 'windows'; readonly overlap: number };

/** The cut behind a setting: where long texts are left out, none is there to be cut. */
export function cutOf(longTexts: LongTexts = 'truncate', overlap = 0.25): TextCut {
  if (longTexts === 'windows') return { type: 'windows', overlap };
  return { type: longTexts === 'reject' ? 'truncate' : longTexts };
}

/** One text as tokens, special ones around it included. */
export interface TokenisedText {
  readonly ids: readonly number[];
  /** Which of the two texts a token belongs to. */
  readonly typeIds: readonly number[];
  /** True where tokens were cut off. */
  readonly truncated: boolean;
  /** Of windows: where each of them ends in `ids`, in which they stand end to end. */
  readonly windowEnds?: readonly number[];
}

/** A whole text; `isSpecial` marks what the tokenizer has put around it. */
export interface WholeText {
  readonly ids: readonly number[];
  readonly typeIds: readonly number[];
  readonly isSpecial: readonly number[];
}

/**
 * The first quarter of what fits and the last three: opening and conclusion of a text tell most. Sun et al.
 * 2019, "How to Fine-Tune BERT for Text Classification": of 510 tokens the first 128 and the last 382.
 */
export function headAndTail(text: WholeText, maxLength: number): TokenisedText {
  const parts = partsOf(text, maxLength);
  const { ids, typeIds } = text;
  if (ids.length <= maxLength) return { ids, typeIds, truncated: false };
  const head = Math.round(parts.room / 4);
  const tail = parts.end - (parts.room - head);
  return {
    ...joined(text, [0, parts.start + head], [tail, ids.length]),
    truncated: true,
  };
}

/**
 * As few windows as neighbours that share `overlap` of their tokens need, spread evenly: a last window of
 * three tokens would speak for the text as loudly as a full one.
 */
export function windowsOf(text: WholeText, maxLength: number, overlap: number): TokenisedText {
  const { start, end, room } = partsOf(text, maxLength);
  const { ids, typeIds } = text;
  const spare = end - start - room;
  if (spare <= 0) return { ids, typeIds, truncated: false, windowEnds: [ids.length] };
  const steps = Math.ceil(spare / Math.max(1, Math.floor(room * (1 - overlap))));
  const windows = Array.from({ length: steps + 1 }, (_, step) => {
    const from = start + Math.round((spare * step) / steps);
    return joined(text, [0, start], [from, from + room], [end, ids.length]);
  });
  return {
    ids: windows.flatMap(({ ids }) => ids),
    typeIds: windows.flatMap(({ typeIds }) => typeIds),
    truncated: false,
    windowEnds: windows.map((_, window) => (window + 1) * maxLength),
  };
}

/** Special tokens stand around a text; more of them than fit leave no room for it. */
class NoRoomError extends Failure {
  constructor(special: number, maxLength: number) {
    super(
      'usage',
      'E_NO_ROOM',
      `maxLength is ${maxLength}, and the tokenizer puts ${special} special tokens around a text`,
      'raise teacher.maxLength or student.maxLength',
    );
  }
}

/** Where the text itself begins and ends, and how many of its tokens fit. */
function partsOf({ ids, isSpecial }: WholeText, maxLength: number) {
  const first = isSpecial.findIndex((flag) => flag === 0);
  const start = first < 0 ? ids.length : first;
  const end = Math.max(start, isSpecial.lastIndexOf(0) + 1);
  const special = start + ids.length - end;
  const room = maxLength - special;
  if (room < 1 && end > start) throw new NoRoomError(special, maxLength);
  return { start, end, room };
}

function joined(
  text: WholeText,
  ...ranges: readonly (readonly [from: number, to: number])[]
): Pick<WholeText, 'ids' | 'typeIds'> {
  const take = (values: readonly number[]) =>
    ranges.flatMap(([from, to]) => values.slice(from, to));
  return { ids: take(text.ids), typeIds: take(text.typeIds) };
}

/** Where tokenizer_config.json of a student says how it cuts long texts, if not by truncation. */
export const LONG_TEXTS_KEY = 'decant_long_texts';
