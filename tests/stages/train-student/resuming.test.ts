import assert from 'node:assert/strict';
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { trainStudent } from '#stages/train-student/index.ts';
import { failureOf } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { eventsOf, lastMetric, sealedBytes, small } from './small-training.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

/** One corpus and one undisturbed run on it, which all tests compare with. */
const inputs = await syntheticInputs();
const undisturbed = await runStage(trainStudent, { config: small, inputs });

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
