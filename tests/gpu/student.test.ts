import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import { SOFT_LOSSES } from '#stages/tensorflow/soft-loss-kind.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import type { RecordingOptions } from '#stages/tensorflow/step-recorder.ts';
import { xlaProblem } from '#stages/tensorflow/xla.ts';
import { createExecutor } from '#stages/train-student/executor.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { batchOf, nameOf, programOf, stepCase } from '#tests/bench/student/cases.ts';
import { median } from '#tests/bench/student/figures.ts';
import { syntheticInputs } from '#tests/stages/train-student/synthetic-corpus.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { assertRecordedIsEager } from '#tests/support/student-steps.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { tinyBatch, tinyProgram } from '#tests/support/tiny-program.ts';
import { tinyStudents } from '#tests/support/tiny-students.ts';

/** Stage two on CUDA. TF32 off, so that its numbers can be compared with those of other executors. */
process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';
const { tf, device, version } = loadTensorflow({ device: 'auto' });
const skip = device === 'gpu' ? false : `TensorFlow ${version} sees no GPU here`;

test('the graph takes the steps of the eager stepper, dropout on, in two buckets', { skip }, () => {
  const settings = { xla: undefined, precision: undefined } as const;
  const [graph, eager] = (['graph', 'eager'] as const).map(
    (executor) => createExecutor(tf, tinyProgram(), { executor, ...settings }).stepper,
  ) as [Stepper, Stepper];
  for (let step = 0; step < 50; step++) {
    const [recorded, direct] = [take(graph, step), take(eager, step)];
    assertClose(recorded.loss, direct.loss, 1e-4, `loss of step ${step}`);
  }
  assertAllClose(graph.state().weights, eager.state().weights, 1e-3);
  [graph, eager].forEach((stepper) => stepper.dispose());
});

test('XLA is there, and its steps are those of the graph within 1e-4', { skip }, () => {
  assert.equal(xlaProblem(tf), null);
  const [graph, xla] = [
    createGraphStepper(tf, tinyProgram()),
    createGraphStepper(tf, tinyProgram(), { xla: true }),
  ];
  for (let step = 0; step < 10; step++) {
    assertClose(take(xla, step).loss, take(graph, step).loss, 1e-4, `loss of step ${step}`);
  }
  [graph, xla].forEach((stepper) => stepper.dispose());
});

test('bf16 learns', { skip }, () => {
  const stepper = createGraphStepper(tf, tinyProgram(), { precision: 'bf16' });
  const losses = Array.from({ length: 60 }, () => stepper.step(4, tinyBatch(4, 1), 0.03).loss);
  stepper.dispose();
  assert.ok((losses.at(-1) ?? 1) < 0.6 * (losses[0] ?? 0), `${losses[0]} -> ${losses.at(-1)}`);
});

test('a student learns on the GPU what its teacher knows', { skip }, async () => {
  const config = { layers: 1, hiddenSize: 16, steps: 300, batchSize: 16, device: 'cuda' };
  const run = await runStage(trainStudent, { config, inputs: await syntheticInputs() });
  assert.ok((metricsOf(run, 'agreement').at(-1) ?? 0) > 0.9);
});

// The programs of the CPU's suites, within what another order of sums costs.
for (const student of tinyStudents) {
  test(`${student.name}: recorded steps are the eager ones`, { skip }, () => {
    assertRecordedIsEager(tf, student, 1e-4);
  });
}

const small = {
  architecture: 'bag',
  hiddenSize: 16,
  steps: 75,
  batchSize: 16,
  learningRate: 0.02,
  device: 'cuda',
} as const;

for (const softLoss of SOFT_LOSSES) {
  test(`${softLoss}: the loss falls as it does on the CPU`, { skip }, async () => {
    const inputs = await syntheticInputs({ mode: 'dense' });
    const run = await runStage(trainStudent, { config: { ...small, softLoss }, inputs });
    const losses = metricsOf(run, 'softLoss');
    assert.ok((losses.at(-1) ?? NaN) < 0.8 * (losses[0] ?? 0), losses.join());
  });
}

test('a stopped training goes on from its checkpoint to the same student', { skip }, async () => {
  const inputs = await syntheticInputs();
  const undisturbed = await runStage(trainStudent, { config: small, inputs });
  const folder = temporaryFolder();
  const stop = new AbortController();
  const reason = new Error('stop');
  const stopped = runStage(trainStudent, {
    config: small,
    inputs,
    folder,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'progress' && event.done === 25) stop.abort(reason);
    },
  });
  await assert.rejects(stopped, reason);
  const resumed = await runStage(trainStudent, { config: small, inputs, folder });
  assert.ok(resumed.notes.some((note) => note.startsWith('goes on after step 25')));
  const [ours, theirs] = [resumed, undisturbed].map((run) => metricsOf(run, 'loss').at(-1));
  // Sums of gradients come in any order on a GPU.
  assertClose(ours ?? NaN, theirs ?? NaN, 1e-3, 'last loss');
});

test('milliseconds of a step and memory of the GPU, told and not judged', { skip }, (t) => {
  const hows: Readonly<Record<string, RecordingOptions>> = {
    graph: {},
    xla: { xla: true },
    bf16: { precision: 'bf16' },
    'xla and bf16': { xla: true, precision: 'bf16' },
  };
  const cases = [
    stepCase('modernbert', { layers: 2, hiddenSize: 128, maxLength: 32 }),
    stepCase('modernbert', { layers: 4, hiddenSize: 256, maxLength: 128, batchSize: 256 }),
    stepCase('bert', { layers: 6, hiddenSize: 768, maxLength: 128, batchSize: 128 }),
  ];
  for (const given of cases) {
    const told = Object.entries(hows).map(([name, how]) => {
      const stepper = createGraphStepper(tf, programOf(given), how);
      const taken = Array.from({ length: 30 }, (_, step) => {
        const feeds = batchOf(given, step);
        const start = performance.now();
        stepper.step(given.maxLength, feeds, 1e-3);
        return performance.now() - start;
      });
      stepper.dispose();
      return `${name} ${median(taken.slice(10)).toFixed(2)} ms`;
    });
    t.diagnostic(
      `${nameOf(given)}, batch ${given.batchSize}: ${told.join(', ')}; ${memoryOfGpu()}`,
    );
  }
});

function take(stepper: Stepper, step: number) {
  const bucket = step % 2 === 0 ? 4 : 8;
  return stepper.step(bucket, tinyBatch(bucket, step), 0.01);
}

function metricsOf({ events }: StageRun, name: string): number[] {
  return events.flatMap((event) =>
    event.type === 'metric' && event.name === name ? [event.value] : [],
  );
}

function memoryOfGpu(): string {
  const args = ['--query-gpu=memory.used,memory.total', '--format=csv,noheader'];
  const { stdout } = spawnSync('nvidia-smi', args, { encoding: 'utf8' });
  return stdout?.trim() || 'memory unknown';
}
