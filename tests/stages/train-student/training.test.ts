import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StageEvent } from '#stages/stage.ts';
import type { OptimizerState, Stepper } from '#stages/tensorflow/step-program.ts';
import type { Checkpoint } from '#stages/train-student/checkpoints/checkpoint.ts';
import { latestCheckpoint } from '#stages/train-student/checkpoints/checkpoint-folder.ts';
import { DivergedError } from '#stages/train-student/losses/loss-guard.ts';
import { settingsOf, trainStudentConfig } from '#stages/train-student/settings.ts';
import { type Measurement, type Trained, train } from '#stages/train-student/training.ts';
import type { TransferRow } from '#stages/train-student/transfer-set.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('the latest weights that are not measurably worse than the best are kept', async () => {
  const keptOf = async (scores: Record<number, number>, standardError: number) => {
    const validate = (step: number) => accuracy(scores[step] ?? 0, standardError);
    return (await trainWith({ validate })).trained.step;
  };
  assert.equal(await keptOf({ 10: 0.5, 20: 0.8, 30: 0.8, 40: 0.7 }, 0), 30);
  assert.equal(await keptOf({ 10: 0.5, 20: 0.8, 30: 0.75, 40: 0.7 }, 0.06), 30);
  // Each step is compared with the best of all, not with the one before.
  assert.equal(await keptOf({ 10: 0.8, 20: 0.76, 30: 0.73, 40: 0.6 }, 0.05), 20);
});

test('keep: last takes the last weights, and so does a training with nothing to validate on', async () => {
  const best = (step: number): Measurement => accuracy(step === 10 ? 1 : 0);
  const last = { weights: Float32Array.of(40), step: 40 };
  assert.deepEqual((await trainWith({ validate: best, config: { keep: 'last' } })).trained, last);
  const nothing = { validation: { validationAccuracy: null, agreement: null }, score: null };
  assert.deepEqual((await trainWith({ validate: () => nothing })).trained, last);
});

test('an abort in the middle of a validation loses neither step nor measurement', async () => {
  const folder = temporaryFolder();
  const controller = new AbortController();
  const reason = new Error('stop');
  const validate = (step: number): Measurement => {
    if (step === 20 && !controller.signal.aborted) controller.abort(reason);
    if (controller.signal.aborted) throw reason;
    return accuracy(step === 20 ? 1 : 0.5);
  };
  await assert.rejects(trainWith({ validate, folder, signal: controller.signal }), reason);
  const { checkpoint } = await latestCheckpoint({ folder, recipe: 'recipe' });
  assert.equal(checkpoint?.state.step, 20);
  assert.equal(checkpoint?.best?.step, 10);
  const { trained } = await trainWith({
    validate: (step) => accuracy(step === 20 ? 1 : 0.5),
    resumed: checkpoint,
  });
  assert.equal(trained.step, 20);
});

test('a checkpoint is written before the loss stops being a number, and none after', async () => {
  const folder = temporaryFolder();
  const run = trainWith({
    validate: () => accuracy(1),
    folder,
    lossAt: (step) => (step === 13 ? Number.NaN : 1),
    config: { checkpointEvery: 5 },
  });
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof DivergedError);
    assert.match(error.message, /^step 13: the loss is NaN .*learning rate 0\.001/);
    assert.match(error.fix, /lower learningRate/);
    return true;
  });
  const { checkpoint } = await latestCheckpoint({ folder, recipe: 'recipe' });
  assert.equal(checkpoint?.state.step, 10);
});

test('a loss that climbs far above its start stops the training, and no checkpoint of the climb is kept', async () => {
  const folder = temporaryFolder();
  const run = trainWith({
    validate: () => accuracy(1),
    folder,
    lossAt: (step) => (step <= 60 ? 4 : 4 * 1.2 ** (step - 60)),
    config: { steps: 200, checkpointEvery: 5 },
  });
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof DivergedError);
    assert.match(
      error.message,
      /mean loss of 25 steps is 4\d\.\d, more than 10 times that of the first \(4\.00\)/,
    );
    assert.match(error.message, /the weights after step 70, before it, are kept$/);
    return true;
  });
  const { checkpoint: kept } = await latestCheckpoint({ folder, recipe: 'recipe' });
  assert.deepEqual([kept?.state.step, kept?.progress.firstLoss], [70, 4]);
});

test('a loss that is tiny at first may grow', async () => {
  const lossAt = (step: number) => 1e-3 * step;
  const { trained } = await trainWith({
    validate: () => accuracy(1),
    lossAt,
    config: { steps: 200 },
  });
  assert.equal(trained.step, 200);
});

test('patience ends a training that stands still, and a resumed one at the same step', async () => {
  const scores: Record<number, number> = { 10: 0.5, 20: 0.8, 30: 0.8, 40: 0.7, 50: 0.6 };
  const config = { steps: 100, patience: 3, checkpointEvery: 10 };
  const validate = (step: number) => accuracy(scores[step] ?? 0);
  const { trained, events } = await trainWith({ validate, config });
  assert.equal(trained.step, 30);
  const notes = events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  assert.match(notes.join('\n'), /stopped after step 50 of 100: 3 measurements .* step 20/);
  const folder = temporaryFolder();
  const controller = new AbortController();
  const stopped = trainWith({
    validate: (step) => {
      if (step === 40) controller.abort(new Error('stop'));
      return validate(step);
    },
    config,
    folder,
    signal: controller.signal,
  });
  await assert.rejects(stopped, /stop/);
  const { checkpoint } = await latestCheckpoint({ folder, recipe: 'recipe' });
  const resumed = await trainWith({ validate, config, resumed: checkpoint });
  assert.equal(resumed.trained.step, 30);
  const last = resumed.events.filter(({ type }) => type === 'progress').at(-1);
  assert.deepEqual(last?.type === 'progress' ? last.done : null, 50);
});

test('the share of waiting for rows is told with the loss and at the end', async () => {
  const { events } = await trainWith({ validate: () => accuracy(1) });
  const shares = events.flatMap((event) =>
    event.type === 'metric' && event.name === 'waitShare' ? [event.value] : [],
  );
  assert.equal(shares.length, 2);
  assert.ok(shares.every((share) => share >= 0 && share <= 1));
  const told = events.some(
    (event) => event.type === 'note' && /waited for rows \d+\.\d %/.test(event.message),
  );
  assert.ok(told);
});

test('progress tells the mean loss since the line before and the last validation', async () => {
  const { events } = await trainWith({
    validate: () => accuracy(0.889),
    lossAt: (step) => step,
  });
  const details = events.flatMap((event) => (event.type === 'progress' ? [event.detail] : []));
  assert.deepEqual(details, ['loss 13.000 · validation 88.9 %', 'loss 33.000 · validation 88.9 %']);
});

interface TrainOptions {
  readonly validate: (step: number) => Measurement;
  readonly config?: object;
  readonly folder?: string;
  readonly signal?: AbortSignal;
  readonly resumed?: Checkpoint | null;
  readonly lossAt?: (step: number) => number;
}

async function trainWith(
  options: TrainOptions,
): Promise<{ trained: Trained; events: StageEvent[] }> {
  const config = { steps: 40, evaluateEvery: 10, batchSize: 2, ...options.config };
  const stepper = countingStepper(options.lossAt ?? (() => 1));
  const rows = Array.from({ length: 5 }, (_, row): TransferRow => {
    return { exampleId: String(row), tokenIds: Int32Array.of(1), gold: [], soft: null };
  });
  const training = train(
    {
      stepper,
      settings: settingsOf(trainStudentConfig.parse(config)),
      transferSet: {
        rowCount: rows.length,
        goldCount: 0,
        lengths: rows.map(() => 1),
        shardCount: 1,
        readShard: () => Promise.resolve(rows),
        soft: null,
        leftOut: [],
      },
      layout: { batchSize: 2, padTokenId: 0, dropout: false, soft: null, goldPerRow: 0 },
      buckets: [8],
      validate: async () => options.validate(stepper.state().step),
      log: { append: () => Promise.resolve(), describe: () => Promise.resolve() },
      checkpoints: { folder: options.folder ?? temporaryFolder(), recipe: 'recipe', keep: 2 },
      now: () => 0,
      signal: options.signal ?? new AbortController().signal,
    },
    options.resumed ?? null,
  );
  const events: StageEvent[] = [];
  let next = await training.next();
  for (; next.done !== true; next = await training.next()) events.push(next.value);
  return { trained: next.value, events };
}

/** A stepper whose only weight is the number of steps it took. */
function countingStepper(lossAt: (step: number) => number): Stepper {
  let step = 0;
  return {
    kind: 'eager',
    eagerSteps: 0,
    accumulate: () => ({ loss: 0, parts: {} }),
    step() {
      step += 1;
      return { loss: lossAt(step), gradNorm: 1, parts: {} };
    },
    evaluate: () => new Float32Array(),
    state: (): OptimizerState => ({
      weights: Float32Array.of(step),
      slots: {},
      step,
    }),
    restore: (state) => {
      step = state.step;
    },
    dispose: () => undefined,
  };
}

function accuracy(share: number, standardError = 0): Measurement {
  const validation = { validationAccuracy: share, agreement: null };
  return { validation, score: { share, standardError } };
}
