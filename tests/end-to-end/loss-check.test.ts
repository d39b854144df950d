import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '#tests/support/mini-project.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** How far the student's logits are from the teacher's, row by row. */
const RIGHT = 'tf.sum(tf.square(tf.sub(logits, targets.teacherLogits)), 1)';
/** A row is told how the others fare. */
const WRONG = `tf.mul(${RIGHT}, tf.mean(${RIGHT}))`;

test('decant loss check tells a loss that can be trained with from one that cannot, by its exit code too', async () => {
  const folder = temporaryFolder('decant own loss');
  const check = (name: string, value: string) => {
    const code = `export const forms = ['dense'];\nexport const softLoss = (tf, { studentLogits: logits, targets }) => ${value};\n`;
    writeFileSync(join(folder, name), code);
    return runCli(['loss', 'check', name], folder);
  };
  const [right, wrong] = [await check('right.mjs', RIGHT), await check('wrong.mjs', WRONG)];
  assert.equal(right.code, 0, right.stderr);
  assert.match(right.stdout, /^ok +dense: [^]*\na student can be trained with it\n$/);
  assert.equal(wrong.code, 3, wrong.stderr);
  assert.match(wrong.stdout, /^WRONG dense: .*row/m);
  assert.match(wrong.stdout, /\n1 of \d wrong\n$/);
});
