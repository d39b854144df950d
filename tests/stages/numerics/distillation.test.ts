import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  distillDense,
  distillSampled,
  distillTopK,
  goldLoss,
  type RowLoss,
} from '#stages/numerics/distillation.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { logitsOf, pairOfLogits, temperature } from '#tests/support/logits.ts';

const cut = fc.integer({ min: 1, max: 8 });

test('property: the written gradients are those of finite differences', () => {
  fc.assert(
    fc.property(pairOfLogits(2, 12), cut, temperature, ([teacher, student], k, t) => {
      const target = topK(teacher, Math.min(k, student.length - 1), t);
      assertGradient((logits) => distillDense(logits, teacher, t), student);
      assertGradient((logits) => distillTopK(logits, target, t), student);
      assertGradient(
        (logits) => distillSampled(logits, { ids: [0, 1], shares: [0.75, 0.25] }, t),
        student,
      );
      assertGradient((logits) => goldLoss(logits, k % student.length, 0.1), student);
    }),
    { numRuns: 50 },
  );
});

test('property: a student equal to its teacher has neither loss nor gradient, tail bucket included', () => {
  fc.assert(
    fc.property(logitsOf(2, 60), cut, temperature, (logits, k, t) => {
      const { loss, gradient } = distillTopK(logits, topK(logits, k, t), t);
      assertClose(loss, 0, 1e-10);
      assertAllClose(gradient, new Float64Array(logits.length), 1e-10);
    }),
  );
});

test('property: merging classes into a bucket never raises the loss', () => {
  fc.assert(
    fc.property(pairOfLogits(2, 60), cut, temperature, ([teacher, student], k, t) => {
      const bucket = distillTopK(student, topK(teacher, k, t), t).loss;
      assert.ok(bucket <= distillDense(student, teacher, t).loss + 1e-9);
      assert.ok(bucket >= -1e-9);
    }),
  );
});

test('property: a bucket of one class, or of none, is the loss over all classes', () => {
  fc.assert(
    fc.property(pairOfLogits(2, 30), temperature, ([teacher, student], t) => {
      const dense = distillDense(student, teacher, t);
      for (const k of [student.length - 1, student.length]) {
        const bucket = distillTopK(student, topK(teacher, k, t), t);
        assertClose(bucket.loss, dense.loss, 1e-8);
        assertAllClose(bucket.gradient, dense.gradient, 1e-8);
      }
    }),
  );
});

test('property: gradients of a row sum to 0, as shifting all logits changes nothing', () => {
  fc.assert(
    fc.property(pairOfLogits(2, 60), cut, temperature, ([teacher, student], k, t) => {
      const { gradient } = distillTopK(student, topK(teacher, k, t), t);
      assertClose(
        gradient.reduce((sum, g) => sum + g, 0),
        0,
        1e-10,
      );
    }),
  );
});

function assertGradient(lossOf: (logits: number[]) => RowLoss, logits: number[]): void {
  const step = 1e-5;
  const numeric = logits.map((_, moved) => {
    const shifted = (by: number): number =>
      lossOf(logits.map((logit, i) => (i === moved ? logit + by : logit))).loss;
    return (shifted(step) - shifted(-step)) / (2 * step);
  });
  assertAllClose(lossOf(logits).gradient, numeric, 1e-5);
}
