// The listing of the article that started this project has faults. Each test states what a right loss
// does, shows that ours does it, and that the listing's formula does not.
import assert from 'node:assert/strict';
import test from 'node:test';
import { crossEntropy, entropy, forwardKl } from '#stages/numerics/divergence.ts';
import { logSoftmax, softmax } from '#stages/numerics/softmax.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { hard, softDense, softTopK } from '#tests/support/student-loss.ts';

const teacher = [4, 1, 0.5, -2, 0];
const student = [0.5, 2, -1, 1, 0];

test('the cross-entropy has the right sign: it is never negative and its descent raises the gold class', () => {
  const { loss, gradient } = hard([student], [0]);
  const wrongSign = -crossEntropy([1, 0, 0, 0, 0], logSoftmax(student));
  assert.ok(loss > 0 && wrongSign < 0);
  const after = student.map((logit, i) => logit - 0.1 * (gradient[0]?.[i] ?? Number.NaN));
  assert.ok((softmax(after)[0] ?? 0) > (softmax(student)[0] ?? 1));
});

test('the soft cross-entropy has the right sign: it is smallest, the entropy, where student = teacher', () => {
  const softCrossEntropy = (logits: number[]): number =>
    softDense([logits], [teacher], 1).loss + entropy(logSoftmax(teacher));
  assertClose(softCrossEntropy(teacher), entropy(logSoftmax(teacher)), 1e-6);
  assert.ok(softCrossEntropy(student) > softCrossEntropy(teacher));
  const wrongSign = (logits: number[]): number =>
    -crossEntropy(softmax(teacher), logSoftmax(logits));
  assert.ok(wrongSign(student) < wrongSign(teacher));
});

test('the KL gets log-probabilities: shifting all logits of a row changes nothing', () => {
  const shifted = student.map((logit) => logit + 3);
  const raw = (logits: number[]): number => forwardKl(logSoftmax(teacher), logits);
  assertClose(
    softDense([shifted], [teacher], 2).loss,
    softDense([student], [teacher], 2).loss,
    1e-5,
  );
  assertClose(
    softTopK([shifted], [teacher], 2, 2).loss,
    softTopK([student], [teacher], 2, 2).loss,
    1e-5,
  );
  assert.ok(Math.abs(raw(shifted) - raw(student)) > 1);
  assert.ok(raw(shifted) < 0, 'given raw logits, a KL is not even positive');
});

test('the KL has its arguments in order: the teacher weighs the classes', () => {
  const forward = forwardKl(logSoftmax(teacher), logSoftmax(student));
  const reverse = forwardKl(logSoftmax(student), logSoftmax(teacher));
  assert.ok(Math.abs(forward - reverse) > 0.3);
  assertClose(softDense([student], [teacher], 1).loss, forward, 1e-5);
  assertClose(softTopK([student], [teacher], 4, 1).loss, forward, 1e-5);
});

test('the loss is a mean over rows, not over rows and classes', () => {
  const rowLoss = 4 * forwardKl(logSoftmax(teacher, 2), logSoftmax(student, 2));
  const meanOverClasses = rowLoss / student.length;
  for (const rows of [1, 3]) {
    const repeat = (row: number[]): number[][] => Array.from({ length: rows }, () => row);
    const { loss } = softDense(repeat(student), repeat(teacher), 2);
    assertClose(loss, rowLoss, 1e-5);
    assert.ok(loss > 4 * meanOverClasses);
  }
  // A class that nobody believes in changes a mean over classes, but no mean over rows.
  const wider = softDense([[...student, -40]], [[...teacher, -40]], 2);
  assertClose(wider.loss, rowLoss, 1e-5);
});

test('the temperature softens both sides: at a high one, logits are matched', () => {
  const temperature = 200;
  const centred = (logits: number[]): number[] => {
    const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
    return logits.map((logit) => logit - mean);
  };
  // Hinton et al. (2015), equation 4, with the factor T^2: (z - v) / N
  const [z, v] = [centred(student), centred(teacher)];
  const matched = z.map((logit, i) => (logit - (v[i] ?? Number.NaN)) / z.length);
  const { gradient } = softDense([student], [teacher], temperature);
  assertAllClose(gradient[0] ?? [], matched, 0.02);
  const withoutTemperature = softDense([student], [teacher], 1).gradient[0] ?? [];
  const apart = matched.map((value, i) => Math.abs(value - (withoutTemperature[i] ?? 0)));
  assert.ok(Math.max(...apart) > 0.1);
});

test('the factor T^2 keeps loss and gradient of one size over T, beside the hard loss', () => {
  const at = (temperature: number) => softDense([student], [teacher], temperature);
  const norm = (temperature: number): number => Math.hypot(...at(temperature).gradient.flat());
  const ratios = [at(40).loss / at(20).loss, norm(40) / norm(20)];
  for (const ratio of ratios) assert.ok(Math.abs(ratio - 1) < 0.1, `${ratio}`);
  const withoutFactor = (temperature: number): number => at(temperature).loss / temperature ** 2;
  assert.ok(withoutFactor(40) / withoutFactor(20) < 0.3);
});

test('student and teacher are normalised over the same classes: mass outside the top k is pushed down', () => {
  // Cut to the teacher's top 2, this student agrees with it perfectly.
  const elsewhere = [4, 1, 9, -9, -9];
  const { loss, gradient } = softTopK([elsewhere], [teacher], 2, 1);
  const restricted = forwardKl(logSoftmax(teacher.slice(0, 2)), logSoftmax(elsewhere.slice(0, 2)));
  assertClose(restricted, 0, 1e-12);
  assert.ok(loss > 3);
  assert.ok((gradient[0]?.[2] ?? 0) > 0.8);
});
