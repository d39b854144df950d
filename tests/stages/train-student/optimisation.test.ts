import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { EVENT_FILE_PREFIX } from '#stages/tensorboard/event-file.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { failingWith, failureOf } from '#tests/support/failure.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

const small = {
  architecture: 'bag',
  hiddenSize: 16,
  steps: 60,
  batchSize: 16,
  evaluateEvery: 20,
  device: 'cpu',
} as const;

/** All that moves from step to step, at once. */
const everything = {
  ...small,
  temperature: { kind: 'step', values: [2, 1], at: [0.5] },
  softLossWeight: { kind: 'linear', from: 1, to: 0.5, warmup: 0.1 },
  hardLossWeight: { kind: 'cosine', from: 0, to: 0.5, begin: 0.3 },
  learningRate: { kind: 'cosine', from: 0.01, to: 0.001, warmup: 0.1 },
  averageWeights: 0.95,
  accumulate: 4,
  sampling: 'balanced',
  patience: 5,
} as const;

const inputs = await syntheticInputs({ shardRows: 33 });

test('schedules, averages, parts and balanced rows: a resumed training ends with the same weights', async () => {
  const undisturbed = await runStage(trainStudent, { config: everything, inputs });
  for (const stopAfter of [25, 50]) {
    const folder = temporaryFolder();
    const controller = new AbortController();
    const reason = new Error('stop');
    const stopped = runStage(trainStudent, {
      config: everything,
      inputs,
      folder,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.done === stopAfter) controller.abort(reason);
      },
    });
    await assert.rejects(stopped, reason);
    const resumed = await runStage(trainStudent, { config: everything, inputs, folder });
    assert.ok(resumed.notes.some((note) => note.startsWith(`goes on after step ${stopAfter}`)));
    assert.deepEqual(await weightsOf(resumed), await weightsOf(undisturbed));
  }
  const rates = metrics(undisturbed, 'learningRate');
  assert.ok((rates.at(-1) ?? 1) < 0.0011, String(rates));
  const others = await runStage(trainStudent, { config: small, inputs });
  assert.notDeepEqual(await weightsOf(others), await weightsOf(undisturbed));
});

test('what is measured and exported are the averaged weights', async () => {
  const config = {
    ...small,
    steps: 40,
    keep: 'last',
    learningRate: 0.05,
    averageWeights: 0.9,
  } as const;
  const averaged = await runStage(trainStudent, { config, inputs });
  const plain = await runStage(trainStudent, {
    config: { ...config, averageWeights: undefined },
    inputs,
  });
  assert.notDeepEqual(await weightsOf(averaged), await weightsOf(plain));
  const [last] = metrics(averaged, 'validationAccuracy').slice(-1);
  assert.ok((last ?? 0) > 0.5);
});

test('a temperature that moves wants logits: refused over a top k with the steps that work, taken over logits', async () => {
  const temperature = { kind: 'linear', from: 2, to: 1 } as const;
  const refused = await failureOf(
    runStage(trainStudent, { config: { ...small, temperature }, inputs }),
  );
  assert.equal(refused.code, 'E_TEMPERATURE_MOVES');
  assert.match(refused.message, /linear from 2 to 1 .* that are stored: 1, 2$/);
  assert.match(refused.fix, /kind: step, values: \[2, 1\], at: \[0\.5\] }, or keep every logit/);
  const stepped = { kind: 'step', values: [2, 3], at: [0.5] } as const;
  await assert.rejects(
    runStage(trainStudent, { config: { ...small, temperature: stepped }, inputs }),
    failingWith('E_TEMPERATURE', 'temperature 3'),
  );
  const dense = await syntheticInputs({ mode: 'dense', temperatures: [1] });
  const run = await runStage(trainStudent, {
    config: { ...small, steps: 200, temperature },
    inputs: dense,
  });
  assert.ok((metrics(run, 'agreement').at(-1) ?? 0) > 0.5);
});

test('soft targets of a stepped temperature are those of the temperature of the step', async () => {
  // Two phases of 30 steps are a training at T = 2 that goes on at T = 1.
  const temperature = { kind: 'step', values: [2, 1], at: [0.5] } as const;
  const fixed = { ...small, schedule: 'constant', warmup: 0 } as const;
  const losses = async (config: object) =>
    metrics(await runStage(trainStudent, { config, inputs }), 'softLoss');
  const [stepped, soft] = [await losses({ ...fixed, temperature }), await losses(fixed)];
  assert.equal(stepped[0], soft[0], 'the first 25 steps are at T = 2 in both');
  assert.notEqual(stepped.at(-1), soft.at(-1));
});

test('SGD and RMSProp learn what the teacher knows', async () => {
  for (const [optimizer, learningRate] of [
    ['sgd', 1],
    ['rmsprop', 0.003],
  ] as const) {
    const config = {
      ...small,
      steps: 200,
      evaluateEvery: 100,
      optimizer,
      learningRate,
      nesterov: true,
    };
    const run = await runStage(trainStudent, { config, inputs });
    const agreement = metrics(run, 'agreement').at(-1) ?? 0;
    assert.ok(agreement > 0.5, `${optimizer}: ${agreement}`);
    // What TensorBoard cannot show is told.
    const events = await readFile(join(run.outputs['log'] ?? '', `${EVENT_FILE_PREFIX}.0.decant`));
    const shows = events.includes('velocity/classifier.weight');
    assert.equal(shows, optimizer === 'sgd');
    assert.equal(
      run.notes.some((note) => note.startsWith('TensorBoard shows no gradient')),
      !shows,
    );
  }
});

test('labels of the test split may be anything at all: they are not read', async () => {
  const config = { ...small, steps: 10 };
  const poisoned = {
    ...inputs,
    'labels/test': '/nowhere/poison',
    'tokens/student/test': '/nowhere',
  };
  const runs = [inputs, poisoned].map((given) => runStage(trainStudent, { config, inputs: given }));
  const [clean, other] = await Promise.all(runs);
  assert.ok(clean !== undefined && other !== undefined);
  assert.deepEqual(await weightsOf(other), await weightsOf(clean));
});

function metrics({ events }: StageRun, name: string): number[] {
  return events.flatMap((event) =>
    event.type === 'metric' && event.name === name ? [event.value] : [],
  );
}

function weightsOf({ outputs }: StageRun): Promise<Buffer> {
  return readFile(join(outputs['student'] ?? '', 'model.safetensors'));
}
