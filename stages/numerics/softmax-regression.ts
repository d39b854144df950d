import type { Objective } from './lbfgs.ts';
import { logSumExp } from './softmax.ts';

/** Rows of features with their classes. */
export interface LabelledFeatures {
  /** [rows, width] */
  readonly features: Float32Array;
  readonly width: number;
  /** A label of a row: several where sources disagree, whose weights sum to 1. */
  readonly labels: readonly {
    readonly row: number;
    readonly classId: number;
    readonly weight: number;
  }[];
}

/** How far a classifier is from labels. */
export interface Fit {
  /** Mean over the rows, in nats. */
  readonly negativeLogLikelihood: number;
  /** Share of the weight of labels that the best class has. */
  readonly accuracy: number;
}

/**
 * Mean cross-entropy plus l2 / 2 times the squared weights of softmax(W x + b), as a function of the
 * parameters [classCount, width + 1], whose last column is b and is not regularised.
 */
export function softmaxRegression(
  { features, width, labels }: LabelledFeatures,
  classCount: number,
  l2: number,
): Objective {
  const targets = targetsByRow(labels);
  const rows = [...targets.keys()];
  const block = new Float64Array(BLOCK * width);
  const logits = new Float64Array(BLOCK * classCount);
  return (parameters, gradient) => {
    gradient.fill(0);
    let loss = 0;
    for (let start = 0; start < rows.length; start += BLOCK) {
      const own = rows.slice(start, start + BLOCK);
      block.fill(0);
      for (const [place, row] of own.entries()) {
        block.set(features.subarray(row * width, (row + 1) * width), place * width);
      }
      scoresOf(parameters, block, logits);
      for (const [place, row] of own.entries()) {
        const scores = logits.subarray(place * classCount, (place + 1) * classCount);
        loss += toSlopes(scores, targets.get(row) ?? []);
      }
      // Rows that are missing from the last block are zeros, and so are their slopes.
      logits.fill(0, own.length * classCount);
      addProducts(gradient, block, logits, 1 / rows.length);
    }
    return loss / rows.length + regularise(parameters, gradient, width, l2);
  };
}

interface Target {
  readonly classId: number;
  readonly weight: number;
}

function targetsByRow(labels: LabelledFeatures['labels']): Map<number, Target[]> {
  const targets = new Map<number, Target[]>();
  for (const { row, ...target } of labels) {
    const known = targets.get(row);
    if (known === undefined) targets.set(row, [target]);
    else known.push(target);
  }
  return targets;
}

/** Puts the derivative of a row's cross-entropy in place of its logits; returns the cross-entropy. */
function toSlopes(logits: Float64Array, targets: readonly Target[]): number {
  const normaliser = logSumExp(logits);
  let loss = 0;
  let total = 0;
  for (const { classId, weight } of targets) {
    loss += weight * (normaliser - (logits[classId] ?? 0));
    total += weight;
  }
  for (const [c, logit] of logits.entries()) logits[c] = total * Math.exp(logit - normaliser);
  for (const { classId, weight } of targets) logits[classId] = (logits[classId] ?? 0) - weight;
  return loss;
}

/** How well parameters fit labelled rows, which need not be those that they were fitted on. */
export function fitOf(
  parameters: Float64Array,
  { features, width, labels }: LabelledFeatures,
  classCount: number,
): Fit {
  const block = new Float64Array(BLOCK * width);
  const scores = new Float64Array(BLOCK * classCount);
  let [loss, right, total] = [0, 0, 0];
  for (const { row, classId, weight } of labels) {
    block.set(features.subarray(row * width, (row + 1) * width));
    scoresOf(parameters, block, scores);
    const logits = scores.subarray(0, classCount);
    loss += weight * (logSumExp(logits) - (logits[classId] ?? 0));
    const best = logits.indexOf(logits.reduce((most, logit) => Math.max(most, logit), -Infinity));
    if (best === classId) right += weight;
    total += weight;
  }
  return { negativeLogLikelihood: loss / total, accuracy: right / total };
}

/** Logits [BLOCK, classCount] of the rows of a block [BLOCK, width]: each weight is read once for all of them. */
function scoresOf(parameters: Float64Array, block: Float64Array, logits: Float64Array): void {
  const width = block.length / BLOCK;
  const classCount = logits.length / BLOCK;
  const [x0, x1, x2, x3] = rowsOf(block, width);
  for (let c = 0; c < classCount; c++) {
    const w = parameters.subarray(c * (width + 1), (c + 1) * (width + 1));
    const bias = w[width] ?? 0;
    let [s0, s1, s2, s3] = [bias, bias, bias, bias];
    for (let i = 0; i < width; i++) {
      const weight = w[i] ?? 0;
      s0 += weight * (x0[i] ?? 0);
      s1 += weight * (x1[i] ?? 0);
      s2 += weight * (x2[i] ?? 0);
      s3 += weight * (x3[i] ?? 0);
    }
    logits[c] = s0;
    logits[classCount + c] = s1;
    logits[2 * classCount + c] = s2;
    logits[3 * classCount + c] = s3;
  }
}

/** Adds factor times slopes^T block to the gradient: each entry is written once for all rows of the block. */
function addProducts(
  gradient: Float64Array,
  block: Float64Array,
  slopes: Float64Array,
  factor: number,
): void {
  const width = block.length / BLOCK;
  const classCount = slopes.length / BLOCK;
  const [x0, x1, x2, x3] = rowsOf(block, width);
  for (let c = 0; c < classCount; c++) {
    const g = gradient.subarray(c * (width + 1), (c + 1) * (width + 1));
    const f0 = factor * (slopes[c] ?? 0);
    const f1 = factor * (slopes[classCount + c] ?? 0);
    const f2 = factor * (slopes[2 * classCount + c] ?? 0);
    const f3 = factor * (slopes[3 * classCount + c] ?? 0);
    for (let i = 0; i < width; i++) {
      const sum = f0 * (x0[i] ?? 0) + f1 * (x1[i] ?? 0) + f2 * (x2[i] ?? 0) + f3 * (x3[i] ?? 0);
      g[i] = (g[i] ?? 0) + sum;
    }
    g[width] = (g[width] ?? 0) + f0 + f1 + f2 + f3;
  }
}

function rowsOf(block: Float64Array, width: number) {
  const row = (place: number) => block.subarray(place * width, (place + 1) * width);
  return [row(0), row(1), row(2), row(3)] as const;
}

function regularise(
  parameters: Float64Array,
  gradient: Float64Array,
  width: number,
  l2: number,
): number {
  let squares = 0;
  for (const [at, value] of parameters.entries()) {
    if (at % (width + 1) === width) continue;
    squares += value * value;
    gradient[at] = (gradient[at] ?? 0) + l2 * value;
  }
  return (l2 / 2) * squares;
}

/** Rows that are worked on together; the loops above are written out for four. */
const BLOCK = 4;
