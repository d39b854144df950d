import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { reachesGoal, readOperatingPoint } from '#datasets/operating-point.ts';
import { valuePredictions, writePredictions } from '#datasets/predictions.ts';
import { writeTargets } from '#datasets/targets.ts';
import { sigmoid } from '#stages/numerics/binary.ts';
import { operatingPoint } from '#stages/operating-point/index.ts';
import { answeredLabels, withTargets } from '#stages/students/answered-labels.ts';
import { operatingPointOf } from '#stages/students/operating-point.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { classFolder, exampleId, TINY_CLASSES } from '#tests/support/tiny-world.ts';

/** Logits of the three classes, and which of them the row has; null: nobody knows. */
type Row = readonly [logits: readonly number[], gold: readonly number[] | null];

const [FIRST = '', SECOND = '', RARE = ''] = TINY_CLASSES;

// Said with a logit of 3 the first class is right, with 1 it is not; the second is right from -1 on; the third is rare.
const rows: Row[] = [
  ...Array.from(
    { length: 40 },
    (): Row => [
      [3, -3, -4],
      [1, 0, 0],
    ],
  ),
  ...Array.from(
    { length: 40 },
    (): Row => [
      [1, -3, -4],
      [0, 0, 0],
    ],
  ),
  ...Array.from(
    { length: 30 },
    (): Row => [
      [-3, -1, -4],
      [0, 1, 0],
    ],
  ),
  ...Array.from(
    { length: 3 },
    (): Row => [
      [-3, -3, 2],
      [0, 0, 1],
    ],
  ),
  [[3, 3, 3], null],
];

test('a class is said from where it is right often enough, below and above a half, and rare ones share', async () => {
  const { point, notes } = await chosen(rows, { precision: 0.95 });
  const { temperature, thresholds, threshold, sharing, rowsForOwn, leastSure } = point;
  assert.deepEqual([rowsForOwn, sharing, leastSure], [20, [RARE], undefined]);
  assert.deepEqual(Object.keys(thresholds), [FIRST, SECOND]);
  const probability = (logit: number) => sigmoid(logit / temperature);
  const between = (value: number | undefined, [low, high]: readonly [number, number]) =>
    assert.ok(value !== undefined && probability(low) < value && value < probability(high));
  between(thresholds[FIRST], [1, 3]);
  between(thresholds[SECOND], [-3, -1]);
  // Three rows are no evidence: what holds of all classes together holds of the third.
  assert.ok(threshold > probability(1) && threshold <= probability(3), `${threshold}`);
  assert.match(notes.join('\n'), /1 of 3 classes.*fewer than 20 validation rows.*age_limit/);
  // The forty rows whose first class is likelier than not, and not said, are left to people.
  const { answered, rows: labelled, labels } = point.validation;
  assert.deepEqual([labelled, answered], [113, 70 + (threshold > probability(2) ? 0 : 3)]);
  assert.ok(labels);
  assert.equal(labels.gold, 73);
  assert.equal(labels.right, labels.said);
  assert.match(notes.join('\n'), /labels are right, \d+\.\d % of all were found/);
});

test('of a share to abstain from, the rows go whose decisions together are least sure', async () => {
  const { point } = await chosen(rows, { abstain: 0.3 });
  assert.deepEqual([point.threshold, point.thresholds, point.rowsForOwn], [0.5, {}, null]);
  // A logit of -1 or 1 is less sure than any other; of 70 such rows no more than 33 may go.
  const { answered, right } = point.validation;
  const sure = (logit: number) => sigmoid(Math.abs(logit) / point.temperature);
  const [wrong, unsure] = [sure(1) * sure(3) * sure(4), sure(3) * sure(1) * sure(4)];
  assert.ok(Math.abs(wrong - unsure) < 1e-12, 'all 70 are equal');
  assert.equal(answered, 113, 'so none goes');
  assert.equal(right, 43);
  const all = await chosen(rows, { abstain: 0.7 });
  // After the 70 there is room for the three rows of the rare class, which are next.
  assert.deepEqual([all.point.validation.answered, all.point.validation.right], [40, 40]);
  assert.ok((all.point.leastSure ?? 0) > unsure);
});

test('what is told of validation is what the student answers there', async () => {
  const { point } = await chosen(rows, { precision: 0.95 });
  const known = rows.filter(([, gold]) => gold !== null);
  const values = withTargets(
    {
      exampleIds: known.map((_, row) => exampleId(row)),
      logits: Float32Array.from(known.flatMap(([logits]) => logits)),
    },
    new Map(known.map(([, gold], row) => [exampleId(row), Float32Array.from(gold ?? [])])),
    TINY_CLASSES.length,
  );
  const again = answeredLabels(values, TINY_CLASSES, operatingPointOf(point));
  assert.deepEqual(again, point.validation);
  assert.ok(reachesGoal(again, 0));
});

test('without a labelled row there is nothing to choose by', async () => {
  const failure = await failureOf(chosen(rows.slice(-1), { precision: 0.9 }));
  assert.equal(failure.code, 'E_NOTHING_TO_CALIBRATE_ON');
});

test('a goal is reached by its own figure: precision of what is said, share without an answer', () => {
  const figures = { rows: 100, answered: 90, right: 50 };
  const labels = { gold: 200, said: 100, right: 95 };
  const precision = { goal: 'precision >= 0.95', ...figures };
  assert.deepEqual(
    [
      reachesGoal(precision, 0),
      reachesGoal({ ...precision, labels }, 0),
      reachesGoal({ ...precision, labels: { ...labels, right: 94 } }, 0),
      reachesGoal({ ...precision, labels: { ...labels, right: 94 } }, 0.01),
      reachesGoal({ ...precision, labels: { gold: 200, said: 0, right: 0 } }, 0),
      reachesGoal({ ...precision, goal: 'abstain <= 0.1' }, 0),
      reachesGoal({ ...precision, goal: 'abstain <= 0.09' }, 0),
    ],
    [false, true, false, true, false, true, false],
  );
});

async function chosen(some: readonly Row[], goal: object) {
  const folder = temporaryFolder();
  const [predictions, labels] = [join(folder, 'predictions'), join(folder, 'labels')];
  mkdirSync(predictions);
  mkdirSync(labels);
  const ids = some.map((_, row) => exampleId(row));
  const logits = Float32Array.from(some.flatMap(([own]) => own));
  await writePredictions(predictions, 'validation', valuePredictions(ids, logits));
  const gold = some.flatMap(([, own], row) =>
    own === null ? [] : [{ exampleId: exampleId(row), targets: Float32Array.from(own) }],
  );
  await writeTargets(labels, gold);
  const run = await runStage(operatingPoint, {
    config: { goal },
    inputs: {
      predictions,
      classes: await classFolder(join(folder, 'classes')),
      'labels/validation': labels,
    },
  });
  const point = await readOperatingPoint(run.outputs['operating-point'] ?? '');
  return { ...run, point };
}
