import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readHardLabels } from '#datasets/hard-labels.ts';
import { readRelabelSummary } from '#datasets/relabel-summary.ts';
import { hardRelabel } from '#stages/hard-relabel/index.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { exampleId } from '#tests/support/tiny-world.ts';
import { relabelInputs as inputs, train, validationGold } from './relabel-inputs.ts';

test('only agreed, sure rows without gold are filled', async () => {
  for (const mode of ['top-k', 'dense'] as const) {
    const run = await runStage(hardRelabel, { inputs: await inputs({ mode }) });
    const folder = run.outputs['hard-labels'] ?? '';
    const rows = await readHardLabels(folder);
    assert.equal(rows.length, 1);
    const { teacherConfidence, studentConfidence, confidence, ...decision } =
      rows[0] ?? assert.fail();
    assert.deepEqual(decision, {
      exampleId: exampleId(1),
      split: 'train',
      oldLabel: null,
      oldLabelId: null,
      newLabel: 'top_up_failed',
      newLabelId: 1,
      reason: 'teacher-and-student-agree',
      fold: null,
    });
    assert.deepEqual([teacherConfidence, studentConfidence, confidence], [1, 1, 1]);
    assert.deepEqual(run.counts, { filled: 1, disagreed: 1, belowConfidence: 2, keptGold: 1 });
    const summary = await readRelabelSummary(folder);
    assert.equal(summary.filled, 1);
    assert.equal(summary.calibration.teacher.rows, 60);
    assert.deepEqual(run.warnings, []);
  }
});

test('a lower threshold fills the unsure rows too, never gold and never disagreement', async () => {
  const run = await runStage(hardRelabel, { config: { minConfidence: 0 }, inputs: await inputs() });
  assert.deepEqual(run.counts, { filled: 3, disagreed: 1, belowConfidence: 0, keptGold: 1 });
});

test('a test row among the train rows is refused', async () => {
  const failure = await failureOf(
    runStage(hardRelabel, { inputs: await inputs({ split: 'test' }) }),
  );
  assert.equal(failure.code, 'E_RELABEL_SPLIT');
  assert.match(failure.message, /split "test".*refuses the split that measures/);
});

test('a student that saw other rows than the teacher is refused', async () => {
  const given = await inputs({ studentTrain: train.slice(1) });
  const failure = await failureOf(runStage(hardRelabel, { inputs: given }));
  assert.equal(failure.code, 'E_ROWS_MISSING');
  assert.ok(failure.message.includes(exampleId(1)));
});

test('without labelled validation rows there is no calibration and no relabelling', async () => {
  const failure = await failureOf(
    runStage(hardRelabel, { inputs: await inputs({ validationGold: {} }) }),
  );
  assert.equal(failure.code, 'E_RELABEL_CALIBRATION');
});

test('few labelled validation rows are told', async () => {
  const few = Object.fromEntries(Object.entries(validationGold).slice(0, 5));
  const run = await runStage(hardRelabel, { inputs: await inputs({ validationGold: few }) });
  assert.match(run.warnings.join(), /5 labelled validation rows only/);
});

test('a cache of another class order is refused by name', async () => {
  const classNames = ['top_up_failed', 'card_arrival', 'age_limit'];
  const failure = await failureOf(runStage(hardRelabel, { inputs: await inputs({ classNames }) }));
  assert.equal(failure.code, 'E_CLASSES_DIFFER');
  assert.match(failure.message, /class 0 is "top_up_failed" instead of "card_arrival"/);
});

test('two runs write the same bytes', async () => {
  const given = await inputs();
  const [first, second] = [
    await runStage(hardRelabel, { inputs: given }),
    await runStage(hardRelabel, { inputs: given }),
  ];
  for (const file of ['hard-labels.parquet', 'summary.json']) {
    const bytes = [first, second].map((run) =>
      readFileSync(join(run.outputs['hard-labels'] ?? '', file)),
    );
    assert.deepEqual(bytes[0], bytes[1]);
  }
});
