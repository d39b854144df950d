import type { Feeds } from '#stages/tensorflow/step-program.ts';
import { type Hint, hintFeed } from '#stages/train-student/losses/hints.ts';
import type { GoldTarget } from './gold-targets.ts';
import type { SoftLayout, SoftTarget } from './soft-targets.ts';

/** What the losses want of one row of logits, and which one that is. */
export interface Slot {
  readonly place: number;
  /** Its token among all of the batch, where a row is one. */
  readonly token?: number;
  readonly gold: readonly GoldTarget[];
  readonly soft: SoftTarget | null;
}

/** Targets of the soft loss. */
export function softFeeds(slots: readonly Slot[], answers: number, soft: SoftLayout): Feeds {
  const rowWeights = new Float32Array(answers);
  for (const { place, soft: target } of slots) if (target !== null) rowWeights[place] = 1;
  if (soft.type === 'dense') {
    const teacherLogits = new Float32Array(answers * soft.width);
    for (const { place, soft: target } of slots) {
      if (target?.type === 'dense') teacherLogits.set(target.logits, place * soft.width);
    }
    return { rowWeights, teacherLogits };
  }
  if (soft.type === 'sampled') return { rowWeights, ...sampleFeeds(slots, answers, soft.width) };
  // A missing row has weight 0, yet its targets must keep the loss finite: 0 x NaN is NaN.
  const topIds = Int32Array.from({ length: answers * soft.width }, (_, i) => i % soft.width);
  const topLogProbs = new Float32Array(answers * soft.width).fill(-Math.log(soft.width + 1));
  const tailLogMass = new Float32Array(answers).fill(-Math.log(soft.width + 1));
  for (const { place, soft: target } of slots) {
    if (target?.type !== 'top-k') continue;
    const [start, end] = [place * soft.width, (place + 1) * soft.width];
    // A mix may name fewer classes: the first one fills up the list with a probability of 0.
    topIds.fill(target.topIds[0] ?? 0, start, end).set(target.topIds, start);
    topLogProbs.fill(Number.NEGATIVE_INFINITY, start, end).set(target.topLogProbs, start);
    tailLogMass[place] = target.tailLogMass;
  }
  return { rowWeights, topIds, topLogProbs, tailLogMass };
}

/** The teacher's features. */
export function hintFeeds(slots: readonly Slot[], answers: number, hints: readonly Hint[]): Feeds {
  const feeds = hints.map(({ width }, place) => {
    const values = new Float32Array(answers * width);
    for (const { soft, place: row } of slots) {
      if (soft === null) continue;
      const features = soft.hints?.[place];
      // Nothing in their place would train towards 0 without a word.
      if (features === undefined) throw new Error(`a soft label has no features for hint ${place}`);
      values.set(features, row * width);
    }
    return [hintFeed(place), values] as const;
  });
  if (hints.length === 0) return {};
  // Of all hints together, so that a part of a batch can count by its share; each has its own weight beside it.
  return { ...Object.fromEntries(feeds), hintLossWeight: Float32Array.of(1) };
}

/** Rows of fewer classes are filled up with class 0 at a share of 0. */
function sampleFeeds(slots: readonly Slot[], answers: number, width: number): Feeds {
  const sampleIds = new Int32Array(answers * width);
  const sampleShares = new Float32Array(answers * width);
  for (const { place, soft: target } of slots) {
    if (target?.type !== 'sampled') continue;
    sampleIds.set(target.sampleIds, place * width);
    sampleShares.set(target.sampleShares, place * width);
  }
  return { sampleIds, sampleShares };
}

/** Label-major: first the first label of every row of logits, then the second one of each. */
export function goldFeeds(slots: readonly Slot[], answers: number, goldPerRow: number): Feeds {
  const goldIds = new Int32Array(answers * goldPerRow);
  const goldWeights = new Float32Array(answers * goldPerRow);
  for (const { place, gold } of slots) {
    for (const [label, { labelId, weight }] of gold.entries()) {
      goldIds[label * answers + place] = labelId;
      goldWeights[label * answers + place] = weight;
    }
  }
  return { goldIds, goldWeights };
}
