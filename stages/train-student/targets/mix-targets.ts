import type { SoftLayout, SoftTarget } from './soft-targets.ts';

/** What one teacher says about a row, and how much it counts. */
export interface WeightedTarget {
  readonly target: SoftTarget;
  /** Not negative; weights are scaled to add up to 1. */
  readonly weight: number;
}

/** What all targets of a mix have in common. */
export interface MixSpace {
  readonly classCount: number;
  /** Of every target. */
  readonly temperature: number;
}

/**
 * The weighted mean of distributions over the same classes: of probabilities, since a mean of logits
 * would let the teacher with the larger logits decide alone. A class that a top k left out gets an even
 * share of its tail, which is all that is known of it.
 */
export function mixTargets(parts: readonly WeightedTarget[], space: MixSpace): SoftTarget {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  if (!(total > 0)) throw new RangeError(`weights of a mix add up to ${total}`);
  const known = parts
    .map(({ target, weight }) => ({ ...knownOf(target, space), share: weight / total }))
    .filter(({ share }) => share > 0);
  const probs = new Map<number, number>();
  for (const id of known.flatMap(({ probs: own }) => [...own.keys()])) {
    const prob = known.reduce((sum, one) => sum + one.share * (one.probs.get(id) ?? one.rest), 0);
    probs.set(id, prob);
  }
  const outside = space.classCount - probs.size;
  // The same for every class outside: multiplied, not subtracted from 1.
  const tail = outside * known.reduce((sum, { share, rest }) => sum + share * rest, 0);
  return targetOf(probs, tail, parts, space);
}

/** A teacher counts by how sure it is: its weight times the probability of its best class at T = 1. */
export function byConfidence(part: WeightedTarget, confidence: number): WeightedTarget {
  return { ...part, weight: part.weight * confidence };
}

/** A target with a logit for every class; those that it does not name get an even share of its tail. */
export function everyClass(target: SoftTarget, space: MixSpace): SoftTarget {
  if (target.type === 'dense') return target;
  const { probs, rest } = knownOf(target, space);
  return { type: 'dense', logits: logitsOf(probs, rest, space) };
}

/**
 * Every logit where one part has them or where the lists together could name every class, since then
 * there is no rest to tell apart; draws where all are draws, else a top k.
 */
export function layoutOfMix(parts: readonly SoftLayout[], { classCount }: MixSpace): SoftLayout {
  const types = new Set(parts.map(({ type }) => type));
  const width = parts.reduce((sum, part) => sum + part.width, 0);
  if (!types.has('dense') && !types.has('top-k')) {
    return { type: 'sampled', width: Math.min(width, classCount) };
  }
  if (types.has('dense') || width >= classCount) return { type: 'dense', width: classCount };
  return { type: 'top-k', width };
}

/** Probabilities of the classes that a target names, and of each one that it does not. */
interface Known {
  readonly probs: ReadonlyMap<number, number>;
  readonly rest: number;
}

function knownOf(target: SoftTarget, { classCount, temperature }: MixSpace): Known {
  switch (target.type) {
    case 'dense':
      return { probs: softmaxOf(target.logits, temperature), rest: 0 };
    case 'sampled': {
      const shares = Array.from(target.sampleShares);
      return {
        probs: new Map(Array.from(target.sampleIds, (id, at) => [id, shares[at] ?? 0])),
        rest: 0,
      };
    }
    case 'top-k': {
      const logProbs = Array.from(target.topLogProbs);
      const probs = new Map(
        Array.from(target.topIds, (id, at) => [id, Math.exp(logProbs[at] ?? 0)]),
      );
      const outside = classCount - probs.size;
      return { probs, rest: outside === 0 ? 0 : Math.exp(target.tailLogMass) / outside };
    }
    default:
      return target satisfies never;
  }
}

/** Every logit where one part has them, draws where all parts are draws, else a top k. */
function targetOf(
  probs: ReadonlyMap<number, number>,
  tail: number,
  parts: readonly WeightedTarget[],
  space: MixSpace,
): SoftTarget {
  const types = new Set(parts.map(({ target }) => target.type));
  if (types.has('dense')) {
    return { type: 'dense', logits: logitsOf(probs, 0, space) };
  }
  const ranked = [...probs].sort(([a, p], [b, q]) => q - p || a - b);
  const ids = Int32Array.from(ranked, ([id]) => id);
  const values = Float64Array.from(ranked, ([, prob]) => prob);
  if (!types.has('top-k')) {
    return { type: 'sampled', sampleIds: ids, sampleShares: Float32Array.from(values) };
  }
  const topLogProbs = Float32Array.from(values, Math.log);
  return { type: 'top-k', topIds: ids, topLogProbs, tailLogMass: Math.log(tail) };
}

/** Logits whose softmax at the temperature has these probabilities, and `rest` for each other class. */
function logitsOf(
  probs: ReadonlyMap<number, number>,
  rest: number,
  { classCount, temperature }: MixSpace,
): Float32Array {
  return Float32Array.from(
    { length: classCount },
    (_, id) => temperature * Math.log(probs.get(id) ?? rest),
  );
}

function softmaxOf(logits: Float32Array, temperature: number): Map<number, number> {
  const highest = logits.reduce((best, logit) => Math.max(best, logit), Number.NEGATIVE_INFINITY);
  const weights = Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return new Map(weights.map((weight, id) => [id, weight / total]));
}
