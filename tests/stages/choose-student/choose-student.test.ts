import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readChoice, reasonOf } from '#datasets/choice.ts';
import { valuePredictions, writePredictions } from '#datasets/predictions.ts';
import { writeTargets } from '#datasets/targets.ts';
import { chooseStudent } from '#stages/choose-student/index.ts';
import { smallestGood } from '#stages/choose-student/smallest-good.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { exampleId, labelFolder } from '#tests/support/tiny-world.ts';

const ROWS = 400;
const ids = Array.from({ length: ROWS }, (_, row) => exampleId(row));

test('the smallest within the margin is taken: half a point, or a standard error if that is more', () => {
  const of = (name: string, score: number, fileBytes: number, standardError = 0) => ({
    name,
    score,
    standardError,
    fileBytes,
  });
  const [large, small] = [of('large', 0.9, 9), of('small', 0.896, 1)];
  assert.equal(smallestGood([small, large], 0.005).name, 'small');
  assert.equal(smallestGood([of('small', 0.894, 1), large], 0.005).name, 'large');
  assert.equal(smallestGood([of('small', 0.894, 1), of('large', 0.9, 9, 0.01)], 0).name, 'small');
  assert.deepEqual(smallestGood([of('a', 0.9, 5), of('b', 0.901, 5)], 0.005).name, 'b');
});

test('of two students that are as good the smaller one goes on, with all its files', async () => {
  const labels = labelFolder(temporaryFolder(), Object.fromEntries(ids.map((id) => [id, 1])));
  const run = await runStage(chooseStudent, {
    config: { candidates: ['small', 'large', 'worse'] },
    inputs: {
      'labels/validation': await labels,
      ...(await student('small', 10, classes(0.9))),
      ...(await student('large', 99, classes(0.905))),
      ...(await student('worse', 1, classes(0.8))),
    },
  });
  const choice = await readChoice(run.outputs['choice'] ?? '');
  assert.equal(choice.chosen, 'small');
  assert.deepEqual(
    choice.candidates.map(({ name, value, fileBytes, isGoodEnough }) => [
      name,
      Number(value.toFixed(4)),
      fileBytes,
      isGoodEnough,
    ]),
    [
      ['small', 0.9, 10, true],
      ['large', 0.905, 99, true],
      ['worse', 0.8, 1, false],
    ],
  );
  assert.deepEqual(run.notes, [reasonOf(choice)]);
  assert.match(reasonOf(choice), /^small is the smallest file of 2 \(small, large\) within 1\.5/);
  const [folder = '', log = ''] = [run.outputs['student'], run.outputs['log']];
  assert.equal(readFileSync(join(folder, 'onnx', 'model.onnx')).length, 10);
  assert.equal(readFileSync(join(log, 'metrics.jsonl'), 'utf8'), 'small\n');
});

test('numbers are compared by their squared error, of which less is better', async () => {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  await writeTargets(
    folder,
    ids.map((id, row) => ({ exampleId: id, targets: Float32Array.of(row % 7) })),
  );
  const off = (by: number) =>
    valuePredictions(
      ids,
      Float32Array.from(ids, (_, row) => (row % 7) + by),
    );
  const run = await runStage(chooseStudent, {
    config: { candidates: ['near', 'far'], task: 'regression' },
    inputs: {
      'labels/validation': folder,
      ...(await student('near', 50, off(0.1))),
      ...(await student('far', 5, off(0.3))),
    },
  });
  const choice = await readChoice(run.outputs['choice'] ?? '');
  assert.deepEqual([choice.figure, choice.chosen], ['meanSquaredError', 'near']);
});

test('without a labelled validation row nothing is chosen, and the way out is told', async () => {
  const labels = await labelFolder(temporaryFolder(), {});
  const failure = await failureOf(
    runStage(chooseStudent, {
      config: { candidates: ['a', 'b'] },
      inputs: {
        'labels/validation': labels,
        ...(await student('a', 1, classes(1))),
        ...(await student('b', 1, classes(1))),
      },
    }),
  );
  assert.equal(failure.code, 'E_NOTHING_TO_CHOOSE_BY');
  assert.match(failure.message, /no row of corpus\.validation has a label/);
});

/** Class 1 on this share of the rows, else class 0. */
function classes(share: number) {
  const predictedIds = Int32Array.from(ids, (_, row) => (row < share * ROWS ? 1 : 0));
  return {
    rowCount: ROWS,
    exampleIds: ids,
    predictedIds,
    confidence: new Float32Array(ROWS).fill(1),
    logits: Float32Array.from(ids.flatMap((_, row) => [0, predictedIds[row] === 1 ? 5 : -5])),
  };
}

/** Folders of a trained student as the stage gets them. */
async function student(
  name: string,
  fileBytes: number,
  predictions: Parameters<typeof writePredictions>[2],
): Promise<Record<string, string>> {
  const root = temporaryFolder();
  const [model, answers, log] = ['student', 'predictions', 'log'].map((one) => join(root, one));
  mkdirSync(join(model ?? '', 'onnx'), { recursive: true });
  mkdirSync(answers ?? '', { recursive: true });
  mkdirSync(log ?? '', { recursive: true });
  writeFileSync(join(model ?? '', 'onnx', 'model.onnx'), new Uint8Array(fileBytes));
  writeFileSync(join(log ?? '', 'metrics.jsonl'), `${name}\n`);
  await writePredictions(answers ?? '', 'validation', predictions);
  return {
    [`student.${name}`]: model ?? '',
    [`predictions.${name}`]: answers ?? '',
    [`log.${name}`]: log ?? '',
  };
}
