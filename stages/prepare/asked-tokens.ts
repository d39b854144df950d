import { digestOf } from '#cache/digest.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import { type MaskRule, maskTokens } from '#stages/numerics/masking.ts';
import { randomFor } from '#stages/numerics/random.ts';

/** Of a causal language model every token but the last is answered for: with the one that follows it. */
export function askNextTokens(table: TokenTable): TokenTable {
  const { tokenIds } = table;
  const lists = rowsOf(table).map(({ from, to }) => ({
    at: Int32Array.from({ length: Math.max(0, to - from - 1) }, (_, place) => place),
    originals: tokenIds.subarray(Math.min(from + 1, to), to),
  }));
  return { ...table, answers: answersOf(lists) };
}

/** Of a masked language model the hidden tokens are; which ones depends on the seed and the example alone. */
export function askMaskedTokens(
  table: TokenTable,
  { seed, ...rule }: MaskRule & { readonly seed: number },
): TokenTable {
  const masked = rowsOf(table).map(({ exampleId, from, to }) =>
    maskTokens(table.tokenIds.subarray(from, to), rule, randomFor(seed, `mask ${exampleId}`)),
  );
  const { share, maskId } = rule;
  return {
    ...table,
    tokenIds: joined(masked.map(({ tokenIds }) => tokenIds)),
    answers: answersOf(masked),
    tokenizerDigest: digestWith(table, { masking: { rule: 'bert', seed, share, maskId } }),
  };
}

/**
 * Of an encoder-decoder the target is given, and each of its tokens is answered for (teacher forcing): the
 * decoder reads the target moved right by one, behind the token that it begins with, as shift_tokens_right of
 * transformers has it.
 */
export function askTargetTokens(
  source: TokenTable,
  target: TokenTable,
  decoderStartId: number,
): TokenTable {
  const lists = rowsOf(target).map(({ from, to }) => ({
    at: Int32Array.from({ length: to - from }, (_, place) => place),
    originals: target.tokenIds.subarray(from, to),
  }));
  const shifted = lists.map(({ originals }) =>
    originals.map((_, place) => originals[place - 1] ?? decoderStartId),
  );
  return {
    ...source,
    truncated: source.truncated.map((flag, row) => flag | (target.truncated[row] ?? 0)),
    targets: { offsets: target.offsets, ids: joined(shifted) },
    answers: answersOf(lists),
    tokenizerDigest: digestWith(source, { decoderStartId }),
  };
}

/** What changes how a text becomes tokens, so that a cache never mixes it. */
function digestWith({ tokenizerDigest }: TokenTable, further: object): string {
  return digestOf(canonicalJson({ tokenizer: tokenizerDigest, ...further }));
}

function rowsOf({ exampleIds, offsets }: TokenTable) {
  return exampleIds.map((exampleId, row) => ({
    exampleId,
    from: offsets[row] ?? 0,
    to: offsets[row + 1] ?? 0,
  }));
}

/** An answer is called by its place. */
function answersOf(lists: readonly { readonly at: Int32Array; readonly originals: Int32Array }[]) {
  const offsets = new Int32Array(lists.length + 1);
  for (const [row, { at }] of lists.entries()) offsets[row + 1] = (offsets[row] ?? 0) + at.length;
  const at = joined(lists.map((list) => list.at));
  return { offsets, at, positions: at, originals: joined(lists.map((list) => list.originals)) };
}

function joined(parts: readonly Int32Array[]): Int32Array {
  return joinNumbers(parts, Int32Array);
}
