import { logSumExp } from './softmax.ts';

/** Some classes of an answer with a number each. */
export interface NamedValues {
  readonly ids: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/**
 * Log-probabilities of votes, [classCount]: the posterior mean under a Dirichlet prior that is even over the
 * classes, (n_i + s / C) / (n + s) with s = smoothing / (1 - smoothing). A single vote is a label that is
 * smoothed by `smoothing` (Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7); the
 * more votes there are, the less the prior counts.
 */
export function logitsOfVotes(
  { ids, values: counts }: NamedValues,
  classCount: number,
  smoothing: number,
): Float32Array {
  const prior = smoothing / (1 - smoothing);
  const votes = new Float64Array(classCount).fill(prior / classCount);
  for (let place = 0; place < ids.length; place++) {
    votes[ids[place] ?? -1] = (votes[ids[place] ?? -1] ?? 0) + (counts[place] ?? 0);
  }
  return normalised(votes.map(Math.log));
}

/** Log-probabilities of probabilities, [classCount]; classes that are 0 or not named get the least one. */
export function logitsOfProbabilities(
  { ids, values }: NamedValues,
  classCount: number,
): Float32Array {
  const logits = new Float64Array(classCount).fill(leastLog(classCount));
  for (let place = 0; place < ids.length; place++) {
    const log = Math.log(values[place] ?? 0);
    logits[ids[place] ?? -1] = Math.max(log, leastLog(classCount));
  }
  return normalised(logits);
}

/**
 * Log-probabilities of an answer that names its best classes only, [classCount]. What is left of 1 is spread
 * evenly over the other classes: of all distributions that fit, the one that claims least. None of them gets
 * more than the least likely class that is named, since the best ones were named; then, and where every class
 * is named, the rest belongs to no class and all are scaled up to 1.
 */
export function logitsOfBest({ ids, values }: NamedValues, classCount: number): Float32Array {
  const named = Array.from(values);
  const rest = 1 - named.reduce((sum, log) => sum + Math.exp(log), 0);
  const even = Math.log(Math.max(rest, 0) / Math.max(classCount - named.length, 1));
  const least = leastLog(classCount);
  const logits = new Float64Array(classCount).fill(
    Math.max(least, Math.min(even, ...named.filter((log) => log > least))),
  );
  for (let place = 0; place < ids.length; place++) {
    logits[ids[place] ?? -1] = Math.max(values[place] ?? least, least);
  }
  return normalised(logits);
}

/**
 * Logits of votes on labels of which each is a yes or a no of its own, [classCount]; `values` are the votes for a
 * class, of `votes` in all. The prior is that of `logitsOfVotes` between yes and no: a single vote gives
 * 1 - smoothing / 2 to what it names and smoothing / 2 to what it does not.
 */
export function logitsOfLabelVotes(
  { ids, values }: NamedValues,
  votes: number,
  classCount: number,
  smoothing: number,
): Float32Array {
  const prior = smoothing / (1 - smoothing) / 2;
  const logitOf = (yes: number) => Math.log((yes + prior) / (votes - yes + prior));
  const logits = new Float32Array(classCount).fill(logitOf(0));
  for (let place = 0; place < ids.length; place++) {
    logits[ids[place] ?? -1] = logitOf(values[place] ?? 0);
  }
  return logits;
}

/** Logits of the probabilities that labels are there, [classCount]; 0 and 1 become the nearest finite ones. */
export function logitsOfLabelProbabilities(
  { ids, values }: NamedValues,
  classCount: number,
): Float32Array {
  const logits = new Float32Array(classCount);
  const least = Math.exp(leastLog(2));
  for (let place = 0; place < ids.length; place++) {
    const yes = Math.min(Math.max(values[place] ?? 0, least), 1 - least);
    logits[ids[place] ?? -1] = Math.log(yes / (1 - yes));
  }
  return logits;
}

function normalised(logits: Float64Array): Float32Array {
  const normaliser = logSumExp(logits);
  return Float32Array.from(logits, (logit) => logit - normaliser);
}

/** All classes that an answer calls impossible share at most 1e-4: a logit has to be finite. */
function leastLog(classCount: number): number {
  return Math.log(LEAST_MASS / classCount);
}

const LEAST_MASS = 1e-4;
