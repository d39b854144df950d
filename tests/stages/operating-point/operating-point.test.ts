import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readOperatingPoint } from '#datasets/operating-point.ts';
import { writePredictions } from '#datasets/predictions.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { operatingPoint } from '#stages/operating-point/index.ts';
import { goalSchema } from '#stages/operating-point/settings.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { classFolder, exampleId, labelFolder, TINY_CLASSES } from '#tests/support/tiny-world.ts';

/** A row that the student says is of a class, so much above the others, and of which class it is. */
type Row = readonly [said: number, margin: number, gold: number | null];

// Of class 0 the sure half is right and the unsure half is not; class 1 is right throughout; class 2 is rare.
const rows: Row[] = [
  ...Array.from({ length: 100 }, (_, row): Row => [0, row < 50 ? 4 : 1, row < 50 ? 0 : 1]),
  ...Array.from({ length: 60 }, (): Row => [1, 2, 1]),
  ...Array.from({ length: 5 }, (_, row): Row => [2, 3, row === 0 ? 0 : 2]),
  [1, 2, null],
];

test('each class speaks from where it is right often enough, and rare classes share', async () => {
  const run = await chosen(rows, { precision: 0.95 });
  const { temperature, threshold, thresholds, rowsForOwn, sharing, validation } = run.point;
  assert.equal(rowsForOwn, 20);
  assert.deepEqual(sharing, ['age_limit']);
  const [first = '', second = ''] = TINY_CLASSES;
  assert.deepEqual(Object.keys(thresholds), [first, second]);
  const between = (thresholds[first] ?? 0) as number;
  assert.ok(confidenceOf(1, temperature) < between && between < confidenceOf(4, temperature));
  assert.equal(thresholds[second], 0, 'all of its claims are right');
  // Five rows are no evidence of their own, so those of all classes speak: the sure ones are right.
  assert.ok(threshold > confidenceOf(1, temperature) && threshold <= confidenceOf(3, temperature));
  assert.deepEqual(validation, { goal: 'precision >= 0.95', rows: 165, answered: 115, right: 114 });
  assert.match(
    run.notes.join('\n'),
    /1 of 3 classes are named on fewer than 20 validation rows.*age_limit/,
  );
  assert.match(run.notes.join('\n'), /answers 69\.7 % of 165 rows, 99\.1 % of them rightly/);
});

test('a class that is never right often enough is never said, and that is told', async () => {
  const wrong = rows.map(([said, margin, gold]): Row => [said, margin, said === 0 ? 1 : gold]);
  const run = await chosen(wrong, { precision: 0.95 });
  assert.equal(run.point.thresholds[TINY_CLASSES[0] ?? ''], 2);
  assert.match(run.warnings.join(), /no confidence reaches the goal for card_arrival/);
});

test('of a share to abstain from, the least sure rows go', async () => {
  const { point } = await chosen(rows, { abstain: 0.4 });
  assert.deepEqual([point.thresholds, point.rowsForOwn, point.sharing], [{}, null, []]);
  // 50 of 165 rows are least sure; the 60 after them are equal, and would be too many.
  assert.deepEqual(point.validation, {
    goal: 'abstain <= 0.4',
    rows: 165,
    answered: 115,
    right: 114,
  });
});

test('no labelled validation row is an error, few are told, and a goal is one of two', async () => {
  const failure = await failureOf(chosen(rows.slice(-1), { precision: 0.9 }));
  assert.equal(failure.code, 'E_NOTHING_TO_CALIBRATE_ON');
  const few = await chosen(rows.slice(40, 60), { precision: 0.9 });
  assert.match(few.warnings.join(), /chosen on 20 labelled validation rows only/);
  assert.equal(goalSchema.safeParse({}).success, false);
  assert.equal(goalSchema.safeParse({ precision: 0.9, abstain: 0.1 }).success, false);
  assert.equal(goalSchema.safeParse({ precision: 1 }).success, false);
});

function confidenceOf(margin: number, temperature: number): number {
  return softmax([margin, 0, 0], temperature)[0] ?? Number.NaN;
}

async function chosen(some: readonly Row[], goal: object) {
  const folder = temporaryFolder();
  const predictions = join(folder, 'predictions');
  mkdirSync(predictions);
  await writePredictions(predictions, 'validation', {
    rowCount: some.length,
    exampleIds: some.map((_, row) => exampleId(row)),
    predictedIds: Int32Array.from(some, ([said]) => said),
    confidence: Float32Array.from(some, ([, margin]) => confidenceOf(margin, 1)),
    logits: Float32Array.from(
      some.flatMap(([said, margin]) => TINY_CLASSES.map((_, id) => (id === said ? margin : 0))),
    ),
  });
  const gold = some.flatMap(([, , id], row) =>
    id === null ? [] : [[exampleId(row), id] as const],
  );
  const run = await runStage(operatingPoint, {
    config: { goal },
    inputs: {
      predictions,
      classes: await classFolder(join(folder, 'classes')),
      'labels/validation': await labelFolder(join(folder, 'labels'), Object.fromEntries(gold)),
    },
  });
  const point = await readOperatingPoint(run.outputs['operating-point'] ?? '');
  return { ...run, point };
}
