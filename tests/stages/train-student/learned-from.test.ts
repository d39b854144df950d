import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeHardLabels } from '#datasets/hard-labels.ts';
import { readLabels, writeLabels } from '#datasets/labels.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { fails, lastMetric, lossesOf, sealedBytes, small, weightsOf } from './small-training.ts';
import { classNames, syntheticInputs } from './synthetic-corpus.ts';

const inputs = await syntheticInputs();

const hardLabel = {
  oldLabel: null,
  oldLabelId: null,
  newLabel: classNames[2] ?? '',
  newLabelId: 2,
  reason: 'teacher-and-student-agree',
  teacherConfidence: 0.9,
  studentConfidence: 0.9,
  confidence: 0.9,
  fold: null,
};

test('without soft loss only rows with gold are trained on, and no soft label is read', async () => {
  const withoutTeacher = { ...inputs, 'rows/train': '/nowhere' };
  const config = { ...small, softLossWeight: 0, hardLossWeight: 1 };
  const run = await runStage(trainStudent, { config, inputs: withoutTeacher });
  assert.deepEqual([run.counts['transferRows'], run.counts['goldRows']], [100, 100]);
  assert.ok(!run.events.some((event) => event.type === 'metric' && event.name === 'softLoss'));
});

test('a dense cache serves a temperature that it does not store', async () => {
  const dense = await syntheticInputs({ mode: 'dense', temperatures: [1] });
  const config = { ...small, temperature: 3, steps: 200 };
  const run = await runStage(trainStudent, { config, inputs: dense });
  assert.ok(lastMetric(run, 'agreement') > 0.9);
});

test('two teachers that say the same train as one of them does', async () => {
  for (const options of [{ topK: 2 }, { mode: 'dense' }] as const) {
    const one = await syntheticInputs(options);
    // The twin cuts the same rows into other files.
    const { 'rows/train': twin = '' } = await syntheticInputs({ ...options, shardRows: 33 });
    const expected = lossesOf(await runStage(trainStudent, { config: small, inputs: one }));
    for (const mix of ['weights', 'confidence'] as const) {
      const config = { ...small, mix, teacherWeights: { teacher: 1, twin: 2 } };
      const both = { ...one, 'rows/train@twin': twin };
      const losses = lossesOf(await runStage(trainStudent, { config, inputs: both }));
      assert.equal(losses.length, expected.length);
      for (const [at, loss] of losses.entries()) {
        assert.ok(Math.abs(loss - (expected[at] ?? NaN)) < 1e-3 * loss, `${loss}, ${expected[at]}`);
      }
    }
  }
});

test('a mix streamed from disk trains as one in memory, and lists that name every class train too', async () => {
  const mixed = await syntheticInputs({ shardRows: 33 });
  const both = { ...mixed, 'rows/train@twin': inputs['rows/train'] ?? '' };
  const config = { ...small, steps: 200, teacherWeights: { teacher: 1, twin: 1 } };
  const run = await runStage(trainStudent, { config, inputs: both });
  assert.ok(lastMetric(run, 'agreement') > 0.9);
  const streamed = await runStage(trainStudent, {
    config: { ...config, memoryLimitMb: 0 },
    inputs: both,
  });
  assert.deepEqual(await sealedBytes(streamed), await sealedBytes(run));
});

test('a row that one of several teachers has not answered is left out and told', async () => {
  const all = await syntheticInputs({ rows: 1000 });
  const silent = await syntheticInputs({ rows: 1000, withoutSoftLabels: [3] });
  const both = { ...all, 'rows/train@other': silent['rows/train'] ?? '' };
  const run = await runStage(trainStudent, { config: { ...small, steps: 1 }, inputs: both });
  assert.equal(run.counts['transferRows'], 999);
  assert.match(run.warnings.join(), /^1 train rows have no soft label of every teacher/);
});

test('a temperature that a top-k cache does not store is refused', async () => {
  await fails({ config: { ...small, temperature: 4 }, inputs }, 'E_TEMPERATURE', /temperature 4/);
});

test('missing soft labels are refused with their number and the first id', async () => {
  const silent = await syntheticInputs({ withoutSoftLabels: [3, 5] });
  const message = /^2 of 200 train rows have no soft label, the first is example [0-9a-f]{32}$/;
  await fails({ config: small, inputs: silent }, 'E_SOFT_LABELS_MISSING', message);
});

test('one row in a thousand may lack its soft label: it is left out and told', async () => {
  const silent = await syntheticInputs({ rows: 1000, withoutSoftLabels: [3] });
  const run = await runStage(trainStudent, { config: { ...small, steps: 1 }, inputs: silent });
  assert.equal(run.counts['transferRows'], 999);
  assert.match(run.warnings.join(), /^1 train rows have no soft label and are left out/);
});

test('a row whose sources disagree is trained towards all of its labels', async () => {
  const disputed = await syntheticInputs();
  const folder = disputed['labels/train'] ?? '';
  const [first, ...others] = await readLabels(folder);
  assert.ok(first !== undefined);
  const labelId = (first.labelId + 1) % classNames.length;
  const other = { ...first, labelId, label: classNames[labelId] ?? '', weight: 0.25 };
  await writeLabels(folder, [{ ...first, weight: 0.75 }, other, ...others]);
  const run = await runStage(trainStudent, { config: small, inputs: disputed });
  assert.equal(run.counts['goldRows'], 100);
  const undisputed = await runStage(trainStudent, { config: small, inputs });
  assert.notDeepEqual(await weightsOf(run), await weightsOf(undisputed));
});

test('a hard label gives its row a gold label; one of another split does not', async () => {
  const tokens = await readTokens(inputs['tokens/student/train'] ?? '');
  const gold = new Set(
    (await readLabels(inputs['labels/train'] ?? '')).map(({ exampleId }) => exampleId),
  );
  const bare = tokens.exampleIds.filter((exampleId) => !gold.has(exampleId));
  const hardLabels = temporaryFolder();
  await writeHardLabels(hardLabels, [
    { ...hardLabel, exampleId: bare[0] ?? '', split: 'train' },
    { ...hardLabel, exampleId: bare[1] ?? '', split: 'validation' },
  ]);
  const config = { ...small, steps: 1 };
  const run = await runStage(trainStudent, { config, inputs: { ...inputs, hardLabels } });
  assert.equal(run.counts['goldRows'], 101);
});

test('without labelled validation rows agreement with the teacher decides which weights are best', async () => {
  const unlabelled = await syntheticInputs({ validationGold: false });
  const run = await runStage(trainStudent, { config: { ...small, steps: 25 }, inputs: unlabelled });
  const details = run.events.flatMap((event) => (event.type === 'progress' ? [event.detail] : []));
  assert.match(details.at(-1) ?? '', /agreement \d+\.\d %$/);
});
