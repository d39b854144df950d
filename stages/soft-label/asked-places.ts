import type { TextTokenizer } from '#datasets/tokens/tokenizer.ts';

/** A text as a language model sees it, asked at one place. */
export interface AskedPlace {
  /** Of a masked language model with that token hidden. */
  readonly tokenIds: Int32Array;
  /** Where the answer stands. */
  readonly at: number;
  /** The token that is right: what follows, or what is hidden. */
  readonly goldId: number;
}

/** Of a masked language model: what hides a token, and what is never hidden. */
export interface Mask {
  readonly maskId: number;
  readonly specialIds: ReadonlySet<number>;
}

/**
 * Asks a text at its middle: a causal language model (no mask) for the token that follows there, a masked one for
 * the token that is hidden there. undefined where the text has too few tokens to be asked for one.
 */
export function middlePlace(
  ids: readonly number[],
  mask: Mask | undefined,
): AskedPlace | undefined {
  const places = [...ids.keys()].filter((place) =>
    mask === undefined ? place + 1 < ids.length : !mask.specialIds.has(ids[place] ?? -1),
  );
  const at = places[Math.floor(places.length / 2)];
  if (at === undefined) return undefined;
  const tokenIds = Int32Array.from(ids);
  const goldId = tokenIds[mask === undefined ? at + 1 : at] ?? -1;
  if (mask !== undefined) tokenIds[at] = mask.maskId;
  return { tokenIds, at, goldId };
}

/** The words around the place, which shows as "…" where it comes next and as "___" where it is hidden. */
export async function wordsAround(
  { tokenIds, at }: AskedPlace,
  mask: Mask | undefined,
  { decode }: Pick<TextTokenizer, 'decode'>,
): Promise<string> {
  if (mask === undefined) return `${lastOf(await decode(tokenIds.subarray(0, at + 1)))} …`;
  const before = await decode(tokenIds.subarray(0, at));
  const after = await decode(tokenIds.subarray(at + 1));
  return `${lastOf(before)} ___ ${after}`.trim();
}

/** What stands nearest to the place, as tables show the beginning of a text. */
function lastOf(text: string): string {
  const characters = Array.from(text);
  return characters.length <= SHOWN ? text : `…${characters.slice(1 - SHOWN).join('')}`;
}

const SHOWN = 40;
