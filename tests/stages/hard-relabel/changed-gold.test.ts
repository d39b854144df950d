import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { foldOf } from '#datasets/folds.ts';
import { type HardLabel, readHardLabels } from '#datasets/hard-labels.ts';
import { readRelabelSummary } from '#datasets/relabel-summary.ts';
import { controlLabels } from '#stages/control-labels/index.ts';
import { confidenceIn } from '#stages/hard-relabel/confidence-of-label.ts';
import { hardRelabel } from '#stages/hard-relabel/index.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { exampleId, tinyTokens, tokenFolder } from '#tests/support/tiny-world.ts';
import { relabelInputs as inputs, type Row, train } from './relabel-inputs.ts';

// Ten rows of each class, of which each model is sure; two of class 0 are labelled 1.
const labelled: Row[] = Array.from({ length: 30 }, (_, row) => {
  const told = [row % 3, row % 15 === 0 ? 6.5 : 6] as const;
  return { id: 100 + row, teacher: told, student: told };
});
const noisyGold = Object.fromEntries(
  labelled.map(({ id, student: [classId] }, row) => [exampleId(id), row % 15 === 0 ? 1 : classId]),
);
const noisy = { train: labelled, trainGold: noisyGold, folds: 3 };

test('confident learning changes the labels that left-out students contradict', async () => {
  const config = { policy: 'confident-learning', folds: 3 };
  for (const evidence of ['teacher-and-student', 'student']) {
    const given = await inputs(noisy);
    const run = await runStage(hardRelabel, { config: { ...config, evidence }, inputs: given });
    const folder = run.outputs['hard-labels'] ?? '';
    const rows = await readHardLabels(folder);
    assert.deepEqual(
      rows.map((row) => [row.exampleId, row.oldLabelId, row.newLabelId, row.reason, row.fold]),
      [100, 115].map((id) => {
        const wrong = exampleId(id);
        return [wrong, 1, 0, 'confident-learning', foldOf(wrong, 3)];
      }),
    );
    assert.equal(run.counts['changed'], 2);
    const summary = await readRelabelSummary(folder);
    // Two of the twelve rows that are labelled 1.
    assert.ok(Math.abs((summary.estimatedNoise ?? 0) - 2 / 30) < 1e-9);
  }
});

test('label-odds changes what another class is much likelier for, and nothing without noise', async () => {
  const config = { policy: 'label-odds', folds: 3 };
  for (const evidence of ['teacher-and-student', 'student']) {
    const given = await inputs(noisy);
    const run = await runStage(hardRelabel, { config: { ...config, evidence }, inputs: given });
    const rows = await readHardLabels(run.outputs['hard-labels'] ?? '');
    assert.deepEqual(
      rows.map((row) => [row.exampleId, row.newLabelId, row.reason]),
      [100, 115].map((id) => [exampleId(id), 0, 'label-odds']),
    );
  }
  const right = Object.fromEntries(
    labelled.map(({ id, student: [classId] }) => [exampleId(id), classId]),
  );
  const clean = await inputs({ ...noisy, trainGold: right });
  assert.equal((await runStage(hardRelabel, { config, inputs: clean })).counts['changed'], 0);
});

test('a teacher that defends the label is a tie, and a tie changes nothing', async () => {
  const defended = labelled.map((row) => ({
    ...row,
    teacher: [noisyGold[exampleId(row.id)] ?? 0, row.teacher[1]] as const,
  }));
  const changedWith = async (evidence: string) => {
    const given = await inputs({ ...noisy, train: defended });
    const config = { policy: 'confident-learning', folds: 3, evidence };
    return (await runStage(hardRelabel, { config, inputs: given })).counts['changed'];
  };
  assert.equal(await changedWith('teacher-and-student'), 0);
  assert.equal(await changedWith('student'), 2);
});

test('confidences are those of the new label, also of a witness that puts another class first', async () => {
  // Both models know classes by margins of 6; of the doubted rows the teacher puts the old label first by 0.5.
  const undecided = labelled.map((row, at) =>
    at % 15 === 0 ? { ...row, teacher: [1, 0.5] as const, student: [0, 6.5] as const } : row,
  );
  const given = await inputs({ ...noisy, train: undecided });
  for (const policy of ['confident-learning', 'label-odds']) {
    const config = { policy, folds: 3, evidence: 'student' };
    const run = await runStage(hardRelabel, { config, inputs: given });
    const rows = await readHardLabels(run.outputs['hard-labels'] ?? '');
    assert.deepEqual(
      rows.map(({ newLabelId }) => newLabelId),
      [0, 0],
      policy,
    );
    for (const row of rows) {
      // A claim of margin 0.5 is right half the time; class 0 and 2 share the other half alike.
      assert.ok(Math.abs(row.teacherConfidence - 0.25) < 1e-6, `${row.teacherConfidence}`);
      assert.ok(row.studentConfidence > 0.99);
      assert.ok(row.confidence !== null && row.confidence > 0.9);
    }
  }
});

test('the calibrated confidences of all classes sum to one', () => {
  const accuracyAt = () => 0.7;
  const probabilities = Float64Array.of(0.1, 0.6, 0.3);
  const all = [0, 1, 2].map((id) => confidenceIn(id, probabilities, { accuracyAt }));
  assert.ok(Math.abs(all.reduce((sum, one) => sum + one, 0) - 1) < 1e-12);
  assert.equal(all[1], 0.7);
  assert.ok(Math.abs((all[0] ?? 0) - 0.3 / 4) < 1e-12);
  assert.equal(confidenceIn(0, Float64Array.of(0, 1), { accuracyAt }), 0);
});

test('teacher-confident changes gold with folds and keeps it without', async () => {
  const policy = 'teacher-confident';
  const withFolds = await runStage(hardRelabel, {
    config: { policy, folds: 3 },
    inputs: await inputs(noisy),
  });
  assert.equal(withFolds.counts['changed'], 2);
  const { folds: _none, ...inSample } = noisy;
  const without = await runStage(hardRelabel, {
    config: { policy },
    inputs: await inputs(inSample),
  });
  assert.deepEqual([without.counts['keptGold'], without.counts['filled']], [30, 0]);
});

test('the control gives as many labels at random, to rows of the same kind', async () => {
  const given = await inputs({ ...noisy, train: [...labelled, ...train.slice(0, 4)] });
  const config = { policy: 'confident-learning', folds: 3 };
  const relabelled = await runStage(hardRelabel, { config, inputs: given });
  const ids = [...labelled, ...train.slice(0, 4)].map(({ id }) => exampleId(id));
  const tokens = await tokenFolder(join(temporaryFolder(), 'tokens'), tinyTokens(ids));
  const control = async (seed: number) => {
    const run = await runStage(controlLabels, {
      config: { seed },
      inputs: { ...given, ...relabelled.outputs, 'tokens/student/train': tokens },
    });
    return readHardLabels(run.outputs['hard-labels'] ?? '');
  };
  const kinds = (rows: readonly HardLabel[]) =>
    rows.map(({ oldLabelId }) => Number(oldLabelId === null)).toSorted((a, b) => a - b);
  const [real, random] = [
    await readHardLabels(relabelled.outputs['hard-labels'] ?? ''),
    await control(1),
  ];
  assert.deepEqual(kinds(random), kinds(real));
  assert.ok(random.every(({ oldLabelId, newLabelId }) => oldLabelId !== newLabelId));
  assert.ok(
    random.every(({ exampleId: id, oldLabelId }) => (noisyGold[id] ?? null) === oldLabelId),
  );
  assert.deepEqual(await control(1), random);
  assert.notDeepEqual(await control(2), random);
});
