import { shuffle } from './random.ts';

/** What becomes of a text before a masked language model sees it. */
export interface MaskRule {
  /** Share of the maskable tokens that are asked for; at least one is. */
  readonly share: number;
  readonly maskId: number;
  /** Ids that a token may be replaced by. */
  readonly replacements: readonly number[];
  readonly isMaskable: (tokenId: number) => boolean;
}

/** A text with some tokens hidden, and where. */
export interface MaskedTokens {
  readonly tokenIds: Int32Array;
  /** Places that are asked for, ascending. */
  readonly at: Int32Array;
  /** What stands there in the text. */
  readonly originals: Int32Array;
}

/**
 * BERT's rule (Devlin et al. 2019, arXiv 1810.04805, section 3.1 and appendix A.1): of the tokens that are
 * chosen to be predicted, 80 % become [MASK], 10 % a random token, and 10 % stay as they are.
 */
export function maskTokens(
  tokenIds: Int32Array,
  { share, maskId, replacements, isMaskable }: MaskRule,
  random: () => number,
): MaskedTokens {
  const maskable = [...tokenIds.keys()].filter((place) => isMaskable(tokenIds[place] ?? -1));
  const count = Math.min(maskable.length, Math.max(1, Math.round(share * maskable.length)));
  const at = Int32Array.from(shuffle(maskable, random).slice(0, count)).sort();
  const masked = tokenIds.slice();
  for (const place of at) {
    const fate = random();
    // Drawn whatever the fate is, so that each place takes two numbers of the stream.
    const other = replacements[Math.floor(random() * replacements.length)];
    if (fate < MASKED) masked[place] = maskId;
    else if (fate < MASKED + REPLACED && other !== undefined) masked[place] = other;
  }
  return { tokenIds: masked, at, originals: at.map((place) => tokenIds[place] ?? -1) };
}

const MASKED = 0.8;
const REPLACED = 0.1;
