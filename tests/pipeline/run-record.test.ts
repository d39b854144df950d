import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compareRuns } from '#pipeline/history/run-comparison.ts';
import { findRun, readRuns } from '#pipeline/history/run-record.ts';
import { readTags, removeTag, writeTag } from '#pipeline/history/run-tags.ts';
import { failingWith } from '#tests/support/failure.ts';
import { fakeRun } from '#tests/support/fake-project.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const headline = {
  subject: 'student',
  rows: 100,
  accuracy: 0.8,
  accuracyInterval: [0.75, 0.85],
  agreement: 0.9,
  expectedCalibrationError: 0.05,
  macroF1: 0.79,
  negativeLogLikelihood: 0.5,
  parameters: 1000,
  fileBytes: 4000,
  latencyMsP50: 0.5,
};

test('runs come newest first; one that was killed has no record', async () => {
  const store = temporaryFolder();
  fakeRun(store, '20260101T000000-aaaa');
  mkdirSync(join(store, 'runs', '20260103T000000-cccc'));
  fakeRun(store, '20260102T000000-bbbb');
  const runs = await readRuns(store);
  assert.deepEqual(
    runs.map(({ runId, record }) => [runId.slice(7, 8), record?.status]),
    [
      ['3', undefined],
      ['2', 'done'],
      ['1', 'done'],
    ],
  );
});

test('a run is found by its beginning, by a tag and as the last one', async () => {
  const store = temporaryFolder();
  const [one, two] = ['20260101T000000-aaaa', '20260102T000000-bbbb'];
  for (const run of [one, two]) fakeRun(store, run);
  await writeTag(store, 'best', one);
  for (const [name, run] of [
    ['last', two],
    ['best', one],
    ['20260102', two],
  ] as const) {
    assert.equal((await findRun(store, name)).runId, run);
  }
  await assert.rejects(findRun(store, '202601'), failingWith('E_RUN', one, two));
  await assert.rejects(findRun(store, 'worst'), failingWith('E_RUN', 'worst'));
});

test('tags are listed, moved and removed; odd names are refused', async () => {
  const store = temporaryFolder();
  await writeTag(store, 'v1.0', 'a');
  await writeTag(store, 'v1.0', 'b');
  assert.deepEqual(await readTags(store), new Map([['v1.0', 'b']]));
  await removeTag(store, 'v1.0');
  assert.deepEqual(await readTags(store), new Map());
  await assert.rejects(removeTag(store, 'v1.0'), failingWith('E_TAG', 'v1.0'));
  for (const name of ['../x', '', 'last', 'a/b', '.x']) {
    await assert.rejects(writeTag(store, name, 'a'), failingWith('E_TAG'));
  }
});

test('a broken tag is an error: a guess could cost what it protects', async () => {
  const store = temporaryFolder();
  mkdirSync(join(store, 'tags'));
  writeFileSync(join(store, 'tags', 'best.json'), '{}');
  await assert.rejects(readTags(store), failingWith('E_TAG', 'best.json'));
});

test('compare names what differs, and puts a sign on every change', async () => {
  const store = temporaryFolder();
  const seeds = { accuracy: { n: 3, mean: 0.82, sd: 0.01, min: 0.81, max: 0.83 } };
  fakeRun(store, 'a', [], {
    config: { seed: 1, student: { steps: 100, layers: 2 } },
    metrics: { distilled: headline },
  });
  fakeRun(store, 'b', [], {
    config: { seed: 1, student: { steps: 200 } },
    metrics: { distilled: { ...headline, accuracy: 0.825, seeds }, bag: headline },
  });
  const [b, a] = (await readRuns(store)).map(({ record }) => record);
  assert.ok(a && b);
  const { settings, figures } = compareRuns(a, b);
  assert.deepEqual(settings, [
    { setting: 'student.steps', a: '100', b: '200' },
    { setting: 'student.layers', a: '2', b: '-' },
  ]);
  const accuracies = figures.filter(({ figure }) => figure === 'accuracy');
  assert.deepEqual(accuracies, [
    { model: 'distilled', figure: 'accuracy', a: '80.0 %', b: '82.5 %', change: '+2.5 points' },
    { model: 'bag', figure: 'accuracy', a: '-', b: '80.0 %', change: '-' },
  ]);
  const ofSeeds = figures.filter(({ figure }) => figure.endsWith('of seeds'));
  assert.deepEqual(
    ofSeeds.map(({ figure, a: before, b: after }) => [figure, before, after]),
    [
      ['accuracy, mean of seeds', '-', '82.0 %'],
      ['accuracy, deviation of seeds', '-', '1.0 %'],
    ],
  );
  const unchanged = figures.find(({ figure }) => figure === 'macro F1');
  assert.equal(unchanged?.change, '0');
});
