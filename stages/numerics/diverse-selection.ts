/** Something that may be selected; earlier ones are wanted more. */
export interface Candidate {
  readonly classId: number;
  /** Distinct tokens of its text. */
  readonly tokens: ArrayLike<number>;
}

export interface SelectionRules {
  /** How many are wanted. */
  readonly count: number;
  /** Most of one class, as long as other classes can fill the selection. */
  readonly perClass: number;
  /** Texts that share this share of all their tokens (Jaccard) are near-equal: one of them is enough. */
  readonly nearEqual: number;
}

/**
 * Places of the candidates to take, best first: greedy, at most `perClass` of a class and none that is
 * near-equal to one taken. Where the classes cannot fill the selection, the best of those that the cap
 * left out fill it up.
 */
export function selectDiverse(candidates: readonly Candidate[], rules: SelectionRules): number[] {
  const taken: number[] = [];
  const perClass = new Map<number, number>();
  const overlaps = new Overlaps();
  const postponed: number[] = [];
  const take = (place: number, { tokens }: Candidate): void => {
    if (overlaps.highest(tokens) >= rules.nearEqual) return;
    overlaps.add(tokens);
    taken.push(place);
  };
  for (const [place, candidate] of candidates.entries()) {
    if (taken.length >= rules.count) return taken;
    const already = perClass.get(candidate.classId) ?? 0;
    const before = taken.length;
    if (already >= rules.perClass) postponed.push(place);
    else take(place, candidate);
    if (taken.length > before) perClass.set(candidate.classId, already + 1);
  }
  for (const place of postponed) {
    const candidate = candidates[place];
    if (taken.length >= rules.count || candidate === undefined) break;
    take(place, candidate);
  }
  return taken;
}

/** Token overlap with sets seen before, found through the tokens that they share. */
class Overlaps {
  readonly #sizes: number[] = [];
  readonly #setsWith = new Map<number, number[]>();

  add(tokens: ArrayLike<number>): void {
    const set = this.#sizes.push(tokens.length) - 1;
    for (const token of Array.from(tokens)) {
      const sets = this.#setsWith.get(token);
      if (sets === undefined) this.#setsWith.set(token, [set]);
      else sets.push(set);
    }
  }

  /** Largest share of common tokens, 0 to 1; two empty sets are equal. */
  highest(tokens: ArrayLike<number>): number {
    if (tokens.length === 0) return this.#sizes.includes(0) ? 1 : 0;
    const shared = new Map<number, number>();
    for (const token of Array.from(tokens)) {
      for (const set of this.#setsWith.get(token) ?? []) {
        shared.set(set, (shared.get(set) ?? 0) + 1);
      }
    }
    let best = 0;
    for (const [set, count] of shared) {
      best = Math.max(best, count / (tokens.length + (this.#sizes[set] ?? 0) - count));
    }
    return best;
  }
}
