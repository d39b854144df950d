import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { softmax } from '#stages/numerics/softmax.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { byConfidence, everyClass, mixTargets } from '#stages/train-student/targets/mix-targets.ts';
import type { SoftTarget } from '#stages/train-student/targets/soft-targets.ts';
import { pairOfLogits, temperature } from '#tests/support/logits.ts';

const weight = fc.double({ min: 0.1, max: 5, noNaN: true });

test('property: a mix of every logit is the weighted mean of the probabilities', () => {
  fc.assert(
    fc.property(pairOfLogits(2, 30), temperature, weight, weight, ([left, right], t, a, b) => {
      const space = { classCount: left.length, temperature: t };
      const mixed = mixTargets(
        [
          { target: dense(left), weight: a },
          { target: dense(right), weight: b },
        ],
        space,
      );
      assert.equal(mixed.type, 'dense');
      const [p, q, found] = [softmax(left, t), softmax(right, t), probsOf(mixed, space)];
      found.forEach((prob, id) =>
        near(prob, (a * (p[id] ?? 0) + b * (q[id] ?? 0)) / (a + b), 1e-5),
      );
    }),
  );
});

test('property: a mix of two top k adds up to 1, and is exact where both name a class', () => {
  fc.assert(
    fc.property(pairOfLogits(6, 30), temperature, weight, ([left, right], t, a) => {
      const space = { classCount: left.length, temperature: t };
      const parts = [
        { target: best(left, 3, t), weight: a },
        { target: best(right, 4, t), weight: 1 },
      ];
      const mixed = mixTargets(parts, space);
      assert.ok(mixed.type === 'top-k');
      assert.deepEqual([...mixed.topIds].length, new Set(mixed.topIds).size);
      const total = mixed.topLogProbs.reduce(
        (sum, log) => sum + Math.exp(log),
        Math.exp(mixed.tailLogMass),
      );
      near(total, 1, 1e-5);
      assert.deepEqual(
        [...mixed.topLogProbs],
        [...mixed.topLogProbs].sort((x, y) => y - x),
      );
      const [p, q] = [softmax(left, t), softmax(right, t)];
      const [inLeft, inRight] = [topK(left, 3, t).ids, topK(right, 4, t).ids];
      for (const [place, id] of mixed.topIds.entries()) {
        if (!inLeft.includes(id) || !inRight.includes(id)) continue;
        const expected = (a * (p[id] ?? 0) + (q[id] ?? 0)) / (a + 1);
        near(Math.exp(mixed.topLogProbs[place] ?? NaN), expected, 1e-5);
      }
    }),
  );
});

test('a class that one top k left out gets an even share of its tail', () => {
  const tail = Math.log(0.3);
  const left: SoftTarget = {
    type: 'top-k',
    topIds: Int32Array.of(0),
    topLogProbs: Float32Array.of(Math.log(0.7)),
    tailLogMass: tail,
  };
  const right: SoftTarget = { ...left, topIds: Int32Array.of(1) };
  const mixed = mixTargets(
    [
      { target: left, weight: 1 },
      { target: right, weight: 1 },
    ],
    { classCount: 4, temperature: 1 },
  );
  assert.ok(mixed.type === 'top-k');
  assert.deepEqual([...mixed.topIds], [0, 1]);
  // 0.7 and a third of the other's 0.3; two of three classes of each tail are left.
  for (const log of mixed.topLogProbs) near(Math.exp(log), (0.7 + 0.1) / 2, 1e-6);
  near(Math.exp(mixed.tailLogMass), 0.2, 1e-6);
});

test('a top k beside every logit becomes every logit, and draws beside draws stay draws', () => {
  const space = { classCount: 3, temperature: 2 };
  const withDense = mixTargets(
    [
      { target: best([2, 1, 0], 1, 2), weight: 1 },
      { target: dense([2, 1, 0]), weight: 1 },
    ],
    space,
  );
  assert.equal(withDense.type, 'dense');
  near(
    probsOf(withDense, space).reduce((sum, prob) => sum + prob, 0),
    1,
    1e-6,
  );
  const drawn = (ids: number[], shares: number[]): SoftTarget => ({
    type: 'sampled',
    sampleIds: Int32Array.from(ids),
    sampleShares: Float32Array.from(shares),
  });
  const mixed = mixTargets(
    [
      { target: drawn([2, 0], [0.75, 0.25]), weight: 1 },
      { target: drawn([1], [1]), weight: 3 },
    ],
    space,
  );
  assert.deepEqual(mixed, drawn([1, 2, 0], [0.75, 0.1875, 0.0625]));
});

test('a mean of probabilities keeps what a mean of logits would lose: a hesitant teacher among sure ones', () => {
  const [sure, other] = [
    [20, 0, 0],
    [0, 1, 0],
  ];
  const space = { classCount: 3, temperature: 1 };
  const found = probsOf(
    mixTargets(
      [
        { target: dense(sure), weight: 1 },
        { target: dense(other), weight: 1 },
      ],
      space,
    ),
    space,
  );
  near(found[1], (softmax(other)[1] ?? 0) / 2, 1e-6);
  assert.ok((softmax(sure.map((z, id) => (z + (other[id] ?? 0)) / 2))[1] ?? 1) < 1e-3);
});

test('by confidence, a surer teacher counts more', () => {
  const target = dense([0, 0]);
  assert.deepEqual(byConfidence({ target, weight: 1 }, 0.9), { target, weight: 0.9 });
  assert.deepEqual(byConfidence({ target, weight: 2 }, 0.3), { target, weight: 0.6 });
});

test('a top k with a logit for every class shares its tail out evenly', () => {
  const space = { classCount: 5, temperature: 2 };
  const target = best([3, 2, 1, 0, -1], 2, 2);
  assert.ok(target.type === 'top-k');
  const probs = probsOf(everyClass(target, space), space);
  const rest = Math.exp(target.tailLogMass) / 3;
  const [first = NaN, second = NaN] = target.topLogProbs;
  [Math.exp(first), Math.exp(second), rest, rest, rest].forEach((prob, id) =>
    near(probs[id], prob, 1e-6),
  );
});

test('weights that add up to nothing are refused', () => {
  assert.throws(
    () => mixTargets([{ target: dense([1]), weight: 0 }], { classCount: 1, temperature: 1 }),
    /add up to 0/,
  );
});

function dense(logits: readonly number[]): SoftTarget {
  return { type: 'dense', logits: Float32Array.from(logits) };
}

function best(logits: readonly number[], k: number, t: number): SoftTarget {
  const { ids, logProbs, tailLogMass } = topK(logits, k, t);
  return { type: 'top-k', topIds: ids, topLogProbs: Float32Array.from(logProbs), tailLogMass };
}

function probsOf(
  target: SoftTarget,
  { temperature: t }: { readonly temperature: number },
): Float64Array {
  return target.type === 'dense'
    ? Float64Array.from(target.logits, (z) => Math.exp(z / t))
    : assert.fail();
}

function near(found: number | undefined, expected: number, tolerance: number): void {
  assert.ok(Math.abs((found ?? Number.NaN) - expected) <= tolerance, `${found} is not ${expected}`);
}
