import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSoftLoss } from '#stages/tensorflow/check-soft-loss.ts';
import type { OwnSoftLoss } from '#stages/tensorflow/own-soft-loss.ts';
import type { Tensor1D, Tensor2D } from '#stages/tensorflow/runtime.ts';
import { checkLoss, lossChecksSchema } from '#stages/train-student/losses/check-loss.ts';
import { corpusFile } from '#tests/support/corpus-file.ts';
import { repository } from '#tests/support/paths.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { tf } from '#tests/support/tensorflow.ts';

/** What the loss of a row is made of in these tests. */
const errorsOf: (batch: Parameters<OwnSoftLoss>[1]) => Tensor2D = ({ studentLogits, targets }) => {
  if (targets.type !== 'dense') throw new Error('reads dense only');
  return tf.sub(studentLogits, targets.teacherLogits);
};

test('a loss that is right passes every check', () => {
  const checks = checkSoftLoss(tf, (_, batch) => tf.sum(tf.square(errorsOf(batch)), 1), 'dense');
  assert.deepEqual(
    checks.filter(({ passed }) => !passed),
    [],
  );
  assert.equal(checks.length, 5);
});

const wrong: readonly [what: string, loss: OwnSoftLoss, check: string, detail: RegExp][] = [
  [
    'the mean over rows',
    (_, batch) => tf.mean(tf.square(errorsOf(batch))) as unknown as Tensor1D,
    'one loss a row',
    /gives a tensor \[\] for 4 rows.*sum over the classes/,
  ],
  [
    'another form',
    () => {
      throw new Error('reads dense only');
    },
    'one loss a row',
    /reads dense only/,
  ],
  [
    'a gradient that is half of it',
    (_, batch) => tf.sum(halfSlope(tf.square(errorsOf(batch)) as Tensor2D), 1),
    'gradient is that of differences',
    /row \d, class \d: the gradient is .*customGrad/,
  ],
  [
    'no gradient at all',
    (_, { studentLogits }) => tf.onesLike(tf.sum(studentLogits, 1)) as Tensor1D,
    'gradient is that of differences',
    /0 everywhere/,
  ],
  [
    'a logarithm of a softmax',
    (_, { studentLogits }) => tf.neg(tf.sum(tf.log(tf.softmax(studentLogits)), 1)),
    'finite numbers',
    /logSoftmax/,
  ],
  [
    'rows that know each other',
    (_, batch) => tf.sum(tf.square(tf.sub(errorsOf(batch), tf.mean(errorsOf(batch), 0))), 1),
    'rows stand alone',
    /row 0 change the loss of row \d/,
  ],
  [
    'values that it reads back',
    (_, batch) => {
      const scale = tf.max(tf.abs(errorsOf(batch))).dataSync<'float32'>()[0] ?? 1;
      return tf.sum(tf.square(tf.div(errorsOf(batch), scale)), 1);
    },
    'recorded graph = eager',
    /read values back/,
  ],
  [
    'numbers that it draws',
    (_, batch) => tf.mul(tf.sum(tf.square(errorsOf(batch)), 1), 1 + Math.random() / 100),
    'recorded graph = eager',
    /randomness/,
  ],
];

for (const [what, loss, check, detail] of wrong) {
  test(`a loss with ${what} is told: ${check}`, () => {
    const checks = checkSoftLoss(tf, loss, 'dense');
    const found = checks.find(({ name }) => name === check);
    assert.equal(found?.passed, false, JSON.stringify(checks));
    assert.match(found.detail, detail);
  });
}

test('the example of RECIPES.md passes the check on each form that it reads', async () => {
  const text = readFileSync(join(repository, 'RECIPES.md'), 'utf8');
  const [, code = ''] = /^```ts\n(\/\/ my-loss\.ts\n.*?)^```$/ms.exec(text) ?? [];
  const path = corpusFile(temporaryFolder(), 'my-loss.ts', code);
  const { outputs } = await runStage(checkLoss, { files: { softLoss: [path] } });
  const checks = lossChecksSchema.parse(
    JSON.parse(await readFile(join(outputs['check'] ?? '', 'check.json'), 'utf8')),
  );
  assert.deepEqual(
    checks.filter(({ passed }) => !passed),
    [],
  );
  assert.deepEqual([...new Set(checks.map(({ form }) => form))], ['dense', 'top-k']);
});

/** Its argument, with half of the gradient. */
function halfSlope(x: Tensor2D): Tensor2D {
  const operation = tf.customGrad((input) => ({
    value: tf.mul(input as Tensor2D, 1),
    gradFunc: (slope) => tf.mul(slope, 0.5),
  }));
  return operation(x) as Tensor2D;
}
