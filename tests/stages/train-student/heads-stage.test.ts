import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPredictions } from '#datasets/predictions.ts';
import { readStudentFolder } from '#stages/students/student-folder.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { failingWith } from '#tests/support/failure.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

const config = {
  architecture: 'bag',
  hiddenSize: 16,
  steps: 60,
  batchSize: 16,
  evaluateEvery: 20,
  device: 'cpu',
  taskHeads: { other: { weight: 1 } },
} as const;

/** The rows of a corpus beside those of another, which is larger and cut into other shards. */
const first = await syntheticInputs({ shardRows: 33 });
const second = await syntheticInputs({ rows: 300, shardRows: 70 });
const inputs = { ...first, ...ofHead('other', second) };

function ofHead(name: string, own: Readonly<Record<string, string>>): Record<string, string> {
  const renamed = Object.entries(own).map(([input, folder]) => [`heads/${name}/${input}`, folder]);
  return Object.fromEntries(renamed);
}

test('both heads learn, and the student that is written answers for both', async () => {
  const run = await runStage(trainStudent, { config: { ...config, steps: 300 }, inputs });
  const [own, other] = ['agreement', 'agreement.other'].map((name) => metrics(run, name).at(-1));
  assert.ok((own ?? 0) > 0.7, `first head: ${own}`);
  assert.ok((other ?? 0) > 0.7, `other head: ${other}`);
  assert.ok(run.notes.includes('steps of each head, by their rows: main 120, other 180'));
  const { rowCount } = await readPredictions(
    join(run.outputs['predictions'] ?? '', 'heads', 'other'),
    'train',
  );
  assert.equal(rowCount, 300);
});

test('a training that was stopped goes on to the same bits, and the weight of a head counts', async () => {
  const undisturbed = await runStage(trainStudent, { config, inputs });
  const folder = temporaryFolder();
  const controller = new AbortController();
  const reason = new Error('stop');
  const stopped = runStage(trainStudent, {
    config,
    inputs,
    folder,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.done === 25) controller.abort(reason);
    },
  });
  await assert.rejects(stopped, reason);
  const resumed = await runStage(trainStudent, { config, inputs, folder });
  assert.ok(resumed.notes.some((note) => note.startsWith('goes on after step 25')));
  assert.deepEqual(await weightsOf(resumed), await weightsOf(undisturbed));
  const taskHeads = { other: { weight: 3 } };
  const heavier = await runStage(trainStudent, { config: { ...config, taskHeads }, inputs });
  assert.notDeepEqual(await weightsOf(heavier), await weightsOf(undisturbed));
});

test('a student of the same heads goes on from another one, with its classifiers', async () => {
  const before = await runStage(trainStudent, { config, inputs });
  const initFrom = before.outputs['student'] ?? '';
  // So little that the first step moves nothing.
  const still = { ...config, steps: 1, evaluateEvery: 1, learningRate: 1e-30, seed: 5 };
  const after = await runStage(trainStudent, { config: still, inputs: { ...inputs, initFrom } });
  assert.deepEqual(await weightsOf(after), await weightsOf(before));
  const alone = await runStage(trainStudent, {
    config: { ...config, taskHeads: undefined, steps: 1 },
    inputs: first,
  });
  await assert.rejects(
    runStage(trainStudent, {
      config: still,
      inputs: { ...inputs, initFrom: alone.outputs['student'] ?? '' },
    }),
    /heads\.safetensors/,
  );
});

test('heads of several labels and of numbers learn beside one of classes, and say so', async () => {
  const labels = await syntheticInputs({ rows: 100, task: 'multi-label' });
  const numbers = await syntheticInputs({ rows: 100, task: 'regression' });
  const run = await runStage(trainStudent, {
    config: {
      ...config,
      steps: 300,
      evaluateEvery: 100,
      learningRate: 0.01,
      taskHeads: {
        labels: { weight: 1, task: 'multi-label' },
        numbers: { weight: 0.1, task: 'regression' },
      },
    },
    inputs: { ...first, ...ofHead('labels', labels), ...ofHead('numbers', numbers) },
  });
  const last = (name: string) => metrics(run, name).at(-1) ?? Number.NaN;
  assert.ok(last('agreement') > 0.7, `classes: ${last('agreement')}`);
  const microF1 = metrics(run, 'validationMicroF1.labels');
  assert.ok((microF1.at(-1) ?? 0) > 0.6, `labels: ${microF1.join()}`);
  assert.ok(last('agreement.numbers') > 0.5, `numbers: ${last('agreement.numbers')}`);
  const folder = run.outputs['student'] ?? '';
  const { decant } = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
  assert.equal(decant.heads.labels.problem_type, 'multi_label_classification');
  const asked = await readStudentFolder(folder, { head: 'numbers' });
  assert.equal(asked.task, 'regression');
  assert.equal((await readStudentFolder(folder)).task, 'classification');
});

test('the temperature of a top k may not move: the rows of each head are opened once', async () => {
  const temperature = { kind: 'step', values: [2, 1], at: [0.5] } as const;
  await assert.rejects(
    runStage(trainStudent, { config: { ...config, temperature }, inputs }),
    failingWith('E_HEAD_TEMPERATURE', 'wants other soft targets'),
  );
});

async function weightsOf({ outputs }: StageRun): Promise<Buffer> {
  const files = ['model.safetensors', 'heads.safetensors'];
  const read = files.map((file) => readFile(join(outputs['student'] ?? '', file)));
  return Buffer.concat(await Promise.all(read));
}

function metrics({ events }: StageRun, name: string): number[] {
  return events.flatMap((event) =>
    event.type === 'metric' && event.name === name ? [event.value] : [],
  );
}
