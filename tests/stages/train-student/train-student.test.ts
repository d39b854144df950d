import assert from 'node:assert/strict';
import { readdir, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { listFiles } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import { writeHardLabels } from '#datasets/hard-labels.ts';
import { readLabels, writeLabels } from '#datasets/labels.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { readProbe } from '#datasets/probe.ts';
import { readTokens } from '#datasets/tokens.ts';
import { EVENT_FILE_PREFIX } from '#stages/tensorboard/event-file.ts';
import { placeOfEvent } from '#stages/tensorboard/events.ts';
import { wholeRecords } from '#stages/tensorboard/records.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { classNames, syntheticInputs } from './synthetic-corpus.ts';

const small = {
  layers: 1,
  hiddenSize: 16,
  steps: 60,
  batchSize: 16,
  evaluateEvery: 20,
  device: 'cpu',
  dropout: 0.1,
} as const;

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

test('speed knobs change no byte: checkpoints and streamed or remembered rows', async () => {
  const sharded = await syntheticInputs({ shardRows: 33 });
  const usual = await runStage(trainStudent, { config: small, inputs: sharded });
  const config = {
    ...small,
    checkpointEvery: 7,
    checkpointMinutes: 0,
    keepCheckpoints: 3,
    memoryLimitMb: 0,
  };
  const run = await runStage(trainStudent, { config, inputs: sharded });
  assert.deepEqual(await sealedBytes(run), await sealedBytes(usual));
  assert.deepEqual(
    trainStudent.speedKnobs.filter((knob) => knob !== 'deviceId' && !Object.hasOwn(config, knob)),
    [],
  );
});

for (const stopAfter of [25, 50, 60]) {
  test(`a training stopped after step ${stopAfter} ends with the bytes of an undisturbed one`, async () => {
    const config = { ...small, checkpointEvery: 1000 };
    const folder = temporaryFolder();
    await abortedRun(config, inputs, folder, stopAfter);
    const name = `checkpoint-000000${stopAfter}.bin`;
    assert.deepEqual(await readdir(join(folder, 'checkpoints')), [name]);
    const resumed = await runStage(trainStudent, { config, inputs, folder });
    assert.ok(resumed.notes.some((note) => note.startsWith(`goes on after step ${stopAfter}`)));
    assert.deepEqual(await sealedBytes(resumed), await sealedBytes(undisturbed));
    assert.deepEqual(await eventsOf(resumed), await eventsOf(undisturbed));
    assert.deepEqual(await readdir(join(folder, 'checkpoints')), []);
  });
}

test('a training with a damaged newest checkpoint says so, goes on from the one before and ends alike', async () => {
  const folder = temporaryFolder();
  const config = { ...small, checkpointEvery: 10 };
  await abortedRun(config, inputs, folder, 25);
  const newest = join(folder, 'checkpoints', 'checkpoint-00000025.bin');
  await truncate(newest, 1000);
  const resumed = await runStage(trainStudent, { config, inputs, folder });
  assert.match(resumed.warnings.join(), /checkpoint-00000025\.bin: damaged .* before it serves/);
  assert.ok(resumed.notes.some((note) => note.startsWith('goes on after step 20 ')));
  assert.deepEqual(await sealedBytes(resumed), await sealedBytes(undisturbed));
});

test('a checkpoint of other settings is not taken up', async () => {
  const folder = temporaryFolder();
  await abortedRun({ ...small, learningRate: 0.01 }, inputs, folder, 25);
  const run = await runStage(trainStudent, { config: small, inputs, folder });
  assert.ok(!run.notes.some((note) => note.startsWith('goes on')));
  assert.deepEqual(await sealedBytes(run), await sealedBytes(undisturbed));
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
  assert.notDeepEqual(await weightsOf(run), await weightsOf(undisturbed));
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

test('a loss that is no number stops the training with advice, and its last checkpoint is a student to start from', async () => {
  for (const architecture of ['modernbert', 'bag'] as const) {
    const folder = temporaryFolder();
    // It learns for half of the steps.
    const learningRate = { kind: 'step', values: [0.01, 1e30], at: [0.5] } as const;
    const config = { ...small, architecture, checkpointEvery: 10, steps: 200 };
    const failure = await failureOf(
      runStage(trainStudent, { config: { ...config, learningRate }, inputs, folder }),
    );
    assert.equal(failure.code, 'E_TRAINING_DIVERGED');
    const kept = join(folder, 'checkpoints', 'last-good');
    const told =
      /^step \d+: the loss is .*; the weights after step 100, before it, are kept as a student: (.*)$/;
    assert.equal(told.exec(failure.message)?.[1], kept);
    assert.ok(failure.fix.includes(`initialise: { from: ${JSON.stringify(kept)} }`));
    const files = {
      initialiseConfig: [join(kept, 'config.json')],
      initialiseWeights: [join(kept, 'model.safetensors')],
      initialiseTokenizer: [join(kept, 'tokenizer.json')],
    };
    const initialise = { from: 'checkpoint' };
    const goesOn = { ...config, steps: 1, learningRate: 1e-6, initialise };
    const run = await runStage(trainStudent, { config: goesOn, inputs, files });
    assert.ok(lastMetric(run, 'validationAccuracy') > 0.8, 'it knows what it had learned');
    assert.match(run.notes.join(), /starts from (layers 0|the weights) of the checkpoint/);
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

type RunOptions = NonNullable<Parameters<typeof runStage>[1]>;

async function fails(options: RunOptions, code: string, message: RegExp): Promise<void> {
  await assert.rejects(runStage(trainStudent, options), (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

/** Runs until the loss of `step` is told, aborts and expects the signal's reason. */
async function abortedRun(
  config: object,
  inputs: Record<string, string>,
  folder: string,
  step: number,
): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('stop');
  const run = runStage(trainStudent, {
    config,
    inputs,
    folder,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.done === step) controller.abort(reason);
    },
  });
  await assert.rejects(run, reason);
}

/** What TensorBoard shows: step and first tag of each event, sorted, since a measurement may be made again. */
async function eventsOf({ outputs }: StageRun): Promise<(readonly [number, string])[]> {
  const path = join(outputs['log'] ?? '', `${EVENT_FILE_PREFIX}.0.decant`);
  const events = [...wholeRecords(await readFile(path))].map(placeOfEvent);
  return events
    .map(({ step, tag }) => [step, tag] as const)
    .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
}

/** Every file that belongs to the digest of the artifact. */
async function sealedBytes({ outputs }: StageRun): Promise<Record<string, Buffer>> {
  const sealed: Record<string, Buffer> = {};
  for (const output of ['student', 'predictions']) {
    const folder = outputs[output] ?? '';
    for (const file of await listFiles(folder)) {
      sealed[`${output}/${file}`] = await readFile(join(folder, file));
    }
  }
  return sealed;
}

function weightsOf({ outputs }: StageRun): Promise<Buffer> {
  return readFile(join(outputs['student'] ?? '', 'model.safetensors'));
}

function lastMetric({ events }: StageRun, name: string): number {
  const values = events.flatMap((event) =>
    event.type === 'metric' && event.name === name ? [event.value] : [],
  );
  return values.at(-1) ?? Number.NaN;
}

function lossesOf({ events }: StageRun): number[] {
  return events.flatMap((event) =>
    event.type === 'metric' && event.name === 'loss' ? [event.value] : [],
  );
}
