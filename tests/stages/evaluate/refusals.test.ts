import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeClasses } from '#datasets/classes.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { TINY_CLASSES } from '#tests/support/tiny-world.ts';
import { inputs } from './tiny-test-split.ts';

test('a cache of other classes is refused', async () => {
  const given = await inputs('student');
  const classes = await fourClasses();
  const failure = await failureOf(
    runStage(evaluate, {
      config: { subject: 'student', name: 'x' },
      inputs: { ...given, classes },
    }),
  );
  assert.equal(failure.code, 'E_CLASSES_DIFFER');
});

test('a student with fewer logits than there are classes is refused', async () => {
  const given = await inputs('student', { classNames: FOUR_CLASSES });
  const classes = await fourClasses();
  const failure = await failureOf(
    runStage(evaluate, {
      config: { subject: 'student', name: 'x' },
      inputs: { ...given, classes },
    }),
  );
  assert.equal(failure.code, 'E_LOGIT_WIDTH');
  assert.match(failure.message, /3 logits a row; classes\.json names 4/);
});

test('a test split without gold labels is refused', async () => {
  const given = { config: STUDENT, inputs: await inputs('student', { gold: {} }) };
  const failure = await failureOf(runStage(evaluate, given));
  assert.equal(failure.code, 'E_EVALUATE_GOLD');
});

test('a stopped run throws the reason of its signal', async () => {
  const stopping = new AbortController();
  const reason = new Error('stop');
  await assert.rejects(
    runStage(evaluate, {
      config: { subject: 'student', name: 'x' },
      inputs: await inputs('student'),
      signal: stopping.signal,
      onEvent: (event) => event.type === 'progress' && stopping.abort(reason),
    }),
    reason,
  );
});

const STUDENT = { subject: 'student', name: 'x' };
const FOUR_CLASSES = [...TINY_CLASSES, 'refund'];

async function fourClasses(): Promise<string> {
  const folder = temporaryFolder();
  await writeClasses(folder, FOUR_CLASSES);
  return folder;
}
