import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listFiles } from '#cache/digest.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { readProbe } from '#datasets/probe.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { runStage } from '#tests/support/run-stage.ts';
import {
  eventsOf,
  fails,
  lastMetric,
  lossesOf,
  sealedBytes,
  small,
  weightsOf,
} from './small-training.ts';
import { classNames, syntheticInputs } from './synthetic-corpus.ts';

/** One corpus and one undisturbed run on it, which many tests compare with. */
const inputs = await syntheticInputs();
const undisturbed = await runStage(trainStudent, { config: small, inputs });

test('a training writes a student, its answers and its log, and leaves no checkpoint', async () => {
  const { student = '', predictions = '', log = '', checkpoints = '' } = undisturbed.outputs;
  assert.deepEqual(await listFiles(student), [
    'config.json',
    'model.safetensors',
    'onnx/model.onnx',
    'probe.json',
    'special_tokens_map.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  assert.deepEqual(await listFiles(predictions), ['train.parquet', 'validation.parquet']);
  assert.deepEqual(await readdir(checkpoints), []);
  const train = await readPredictions(predictions, 'train');
  assert.equal(train.rowCount, 200);
  assert.ok(train.confidence.every((share) => share > 1 / classNames.length && share <= 1));
  const probe = await readProbe(student);
  assert.equal(probe.length, 64);
  assert.ok(probe.every(({ logits }) => logits.length === classNames.length));
  const lines = (await readFile(join(log, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const steps = lines.map((line) => JSON.parse(line)).map(({ step, loss }) => [step, typeof loss]);
  assert.deepEqual(steps, [
    [20, 'undefined'],
    [25, 'number'],
    [40, 'undefined'],
    [50, 'number'],
    [60, 'undefined'],
    [60, 'number'],
  ]);
  const shown = (await eventsOf(undisturbed)).filter(([step]) => step === 60);
  assert.deepEqual(shown, [
    [60, 'train/loss'],
    [60, 'validation/validationAccuracy'],
    [60, 'weights/model.embeddings.tok_embeddings.weight'],
  ]);
});

test('the run says where it ran, how well it learned and that no step was eager', () => {
  const run = undisturbed;
  const environment = run.events.flatMap((event) =>
    event.type === 'environment' ? [[event.name, event.value]] : [],
  );
  assert.equal(Object.fromEntries(environment).device, 'cpu');
  assert.equal(Object.fromEntries(environment).executor, 'graph');
  assert.equal(run.counts['eagerSteps'], 0);
  assert.deepEqual([run.counts['transferRows'], run.counts['goldRows']], [200, 100]);
  const details = run.events.flatMap((event) => (event.type === 'progress' ? [event.detail] : []));
  assert.match(
    details.at(-1) ?? '',
    /^loss \d\.\d{3} · validation \d+\.\d % · agreement \d+\.\d %$/,
  );
});

test('the student learns what the teacher knows', async () => {
  const config = { ...small, steps: 300 };
  const run = await runStage(trainStudent, { config, inputs });
  assert.ok(lastMetric(run, 'validationAccuracy') > 0.9);
  assert.ok(lastMetric(run, 'agreement') > 0.9);
});

test('the same seed gives the same bytes, another seed other ones', async () => {
  const second = await runStage(trainStudent, { config: small, inputs });
  const other = await runStage(trainStudent, { config: { ...small, seed: 2 }, inputs });
  assert.deepEqual(await sealedBytes(second), await sealedBytes(undisturbed));
  assert.notDeepEqual(await weightsOf(other), await weightsOf(undisturbed));
});

test('graph and eager steps give equal losses over 50 steps with dropout on', async () => {
  const config = { ...small, steps: 50, dropout: 0.2 };
  const graph = lossesOf(await runStage(trainStudent, { config, inputs }));
  const eagerRun = await runStage(trainStudent, {
    config: { ...config, executor: 'eager' },
    inputs,
  });
  assert.equal(eagerRun.counts['eagerSteps'], 50);
  const eager = lossesOf(eagerRun);
  assert.equal(graph.length, 2);
  for (const [at, loss] of graph.entries()) {
    assert.ok(Math.abs(loss - (eager[at] ?? NaN)) < 1e-5 * loss, `${loss} and ${eager[at]}`);
  }
});

test('a student can start from another one, of the same shape only', async () => {
  const first = await runStage(trainStudent, { config: { ...small, steps: 300 }, inputs });
  const following = { ...inputs, initFrom: first.outputs['student'] ?? '' };
  const config = { ...small, steps: 20 };
  const second = await runStage(trainStudent, { config, inputs: following });
  assert.ok(lastMetric(second, 'validationAccuracy') > 0.9);
  const wider = { config: { ...config, hiddenSize: 32 }, inputs: following };
  await fails(wider, 'E_INIT_FROM_SHAPE', /model\.safetensors: \S+ is \[/);
});

test('a row with more tokens than maxLength is refused', async () => {
  const config = { ...small, maxLength: 10 };
  await fails({ config, inputs }, 'E_STUDENT_INPUT_LENGTH', /tokens, student\.maxLength is 10$/);
});

test('the files of a student name no folder of this machine', async () => {
  const { outputs } = undisturbed;
  for (const [name, bytes] of Object.entries(await sealedBytes(undisturbed))) {
    for (const folder of [...Object.values(inputs), ...Object.values(outputs), process.cwd()]) {
      assert.ok(!bytes.includes(folder), `${name} names ${folder}`);
    }
  }
});
