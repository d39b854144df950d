import type { TokenTable } from '#datasets/tokens/tokens.ts';
import { type Candidate, selectDiverse } from '#stages/numerics/diverse-selection.ts';
import type { Opinion } from '#stages/students/opinions.ts';

/** An unlabelled row whose label would teach much. */
export interface Question {
  readonly exampleId: string;
  readonly predictedId: number;
  /** p(best) - p(second best), 0 to 1. */
  readonly margin: number;
}

export interface AskingRules {
  readonly count: number;
  /** Most rows of one predicted class; twice an even share where it is left out. */
  readonly perClass?: number | undefined;
}

/** Rows of least margin, of many classes and of different texts; least margin first. */
export function worthAsking(
  unlabelled: readonly string[],
  opinion: Pick<Opinion, 'bestTwo'>,
  tokens: TokenTable,
  { count, perClass }: AskingRules,
): Question[] {
  const ranked = unlabelled
    .flatMap((exampleId): Question[] => {
      const best = opinion.bestTwo(exampleId);
      if (best === undefined) return [];
      return [{ exampleId, predictedId: best.classId, margin: best.margin }];
    })
    .sort((a, b) => a.margin - b.margin || (a.exampleId < b.exampleId ? -1 : 1));
  const classes = new Set(ranked.map(({ predictedId }) => predictedId)).size;
  const cap = perClass ?? Math.max(1, Math.ceil((2 * count) / Math.max(1, classes)));
  const places = selectDiverse(candidatesOf(ranked, tokens), {
    count,
    perClass: cap,
    nearEqual: NEAR_EQUAL,
  });
  return places.sort((a, b) => a - b).flatMap((place) => ranked[place] ?? []);
}

function candidatesOf(ranked: readonly Question[], tokens: TokenTable): Candidate[] {
  const rows = new Map(tokens.exampleIds.map((exampleId, row) => [exampleId, row]));
  const sets = ranked.map(({ exampleId }) => {
    const row = rows.get(exampleId) ?? -1;
    return new Set(tokens.tokenIds.subarray(tokens.offsets[row], tokens.offsets[row + 1]));
  });
  // Tokens of every row, such as [CLS] and [SEP], say nothing of how alike two of them are.
  const [first, ...others] = sets;
  const everywhere = [...(first ?? [])].filter((token) => others.every((set) => set.has(token)));
  for (const set of sets) for (const token of everywhere) set.delete(token);
  return ranked.map(({ predictedId }, place) => ({
    classId: predictedId,
    tokens: Int32Array.from(sets[place] ?? []),
  }));
}

/** Share of common tokens from which on a person would call two short texts the same question. */
const NEAR_EQUAL = 0.7;
