import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { trainingBatches } from '#stages/train-student/batches/batches.ts';
import {
  balancedClasses,
  everyRow,
  type RowSurvey,
  rotatingViews,
  surveyRows,
  withCopies,
} from '#stages/train-student/batches/epoch-rows.ts';
import type { TransferRow, TransferSet } from '#stages/train-student/transfer-set.ts';

test('property: balanced epochs have as many rows as the set, and classes differ by one at most', () => {
  const classes = fc.array(fc.nat(4), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(classes, fc.nat(), fc.nat(20), (classIds, seed, epoch) => {
      const survey = surveyOf(classIds);
      const copies = balancedClasses(survey, everyRow(survey), seed)(epoch);
      assert.equal(sum(copies), classIds.length);
      const perClass = [...new Set(classIds)].map((one) => {
        const ofClass = copies.filter((_, row) => classIds[row] === one);
        assert.ok(Math.max(...ofClass) - Math.min(...ofClass) <= 1, 'rows of a class are alike');
        return sum(ofClass);
      });
      assert.ok(Math.max(...perClass) - Math.min(...perClass) <= 1, String(perClass));
    }),
  );
});

test('rows of a frequent class take turns: over some epochs each of them comes', () => {
  const survey = surveyOf([...Array<number>(20).fill(0), 1]);
  const copiesOf = balancedClasses(survey, everyRow(survey), 1);
  const seen = new Int32Array(21);
  for (let epoch = 0; epoch < 30; epoch++) {
    for (const [row, copies] of copiesOf(epoch).entries()) seen[row] = (seen[row] ?? 0) + copies;
  }
  assert.ok(
    seen.every((count) => count > 0),
    String(seen),
  );
});

test('a row stands in another of its forms each epoch until all were seen', () => {
  const survey = { ...surveyOf([0, 0, 0, 0, 0]), exampleIds: ['a', 'b', 'a1', 'a2', 'b1'] };
  const of = new Map([
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b'],
  ]);
  const copiesOf = rotatingViews(survey, of, 3);
  const epochs = [0, 1, 2, 3, 4, 5].map((epoch) => [...copiesOf(epoch)]);
  for (const [a, b, a1, a2, b1] of epochs) {
    assert.deepEqual([(a ?? 0) + (a1 ?? 0) + (a2 ?? 0), (b ?? 0) + (b1 ?? 0)], [1, 1]);
  }
  const seen = epochs.slice(0, 3).map(([a, , a1, a2]) => [a, a1, a2].indexOf(1));
  assert.equal(new Set(seen).size, 3);
  assert.deepEqual([...copiesOf(6)], epochs[0]);
});

test('a balanced set of rotating views goes on from any step, and its rows carry their shards', async () => {
  const set = transferSetOf([
    ['a', 0],
    ['b', 0],
    ['c', 0],
    ['d', 0],
    ['e', 1],
    ['a1', 0],
    ['e1', 1],
  ]);
  const survey = await surveyRows(set);
  assert.deepEqual([...survey.classIds], [0, 0, 0, 0, 1, 0, 1]);
  const rotated = rotatingViews(
    survey,
    new Map([
      ['a1', 'a'],
      ['e1', 'e'],
    ]),
    1,
  );
  const chosen = withCopies(set, survey, balancedClasses(survey, rotated, 1));
  const order = { buckets: [4, 8], batchSize: 2, seed: 1, shuffleWindow: 3 };
  const all = await take(trainingBatches(chosen, order, 0), 20);
  const classes = all.flat().map((exampleId) => (exampleId.startsWith('e') ? 1 : 0));
  const rare = classes.filter((one) => one === 1).length / classes.length;
  assert.ok(rare > 0.35 && rare < 0.65, `${rare} of the rows are of the rare class`);
  for (const from of [1, 2, 3, 4, 7, 13]) {
    assert.deepEqual(await take(trainingBatches(chosen, order, from), 20 - from), all.slice(from));
  }
});

function surveyOf(classIds: readonly number[]): RowSurvey {
  return {
    exampleIds: classIds.map((_, row) => String(row)),
    classIds: Int32Array.from(classIds),
    starts: [0],
  };
}

/** Shards of two rows; every other row is long. */
function transferSetOf(rows: readonly (readonly [string, number])[]): TransferSet {
  const made = rows.map(([exampleId, labelId], row): TransferRow => {
    const tokenIds = new Int32Array(row % 2 === 0 ? 3 : 7);
    return { exampleId, tokenIds, gold: [{ labelId, weight: 1 }], soft: null };
  });
  return {
    rowCount: made.length,
    goldCount: made.length,
    lengths: made.map(({ tokenIds }) => tokenIds.length),
    shardCount: Math.ceil(made.length / 2),
    readShard: (shard) => Promise.resolve(made.slice(2 * shard, 2 * shard + 2)),
    soft: null,
    leftOut: [],
  };
}

async function take(
  batches: ReturnType<typeof trainingBatches>,
  count: number,
): Promise<string[][]> {
  const taken: string[][] = [];
  for await (const { rows } of batches) {
    taken.push(rows.map(({ exampleId }) => exampleId));
    if (taken.length === count) break;
  }
  return taken;
}

function sum(values: Int32Array): number {
  return values.reduce((total, value) => total + value, 0);
}
