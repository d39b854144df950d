import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { stepMemory } from '#stages/tensorflow/step-memory.ts';
import type { BatchLayout } from '#stages/train-student/batches/batch-feeds.ts';
import { describeTime, expectedTime } from '#stages/train-student/expected-time.ts';
import { settingsOf, trainStudentConfig } from '#stages/train-student/settings.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import { describeMemory, trainingMemory } from '#stages/train-student/training-memory.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';
import { smallShape } from '#tests/stages/students/golden.ts';
import { repository } from '#tests/support/paths.ts';
import { tf } from '#tests/support/tensorflow.ts';

const layout: BatchLayout = {
  batchSize: 8,
  padTokenId: 0,
  dropout: true,
  soft: { type: 'top-k', width: 3 },
  goldPerRow: 1,
};

for (const name of ['modernbert', 'bert', 'bag', 'textcnn', 'cnn'] as const) {
  test(`${name}: memory of a step is told from steps of few rows`, () => {
    const program = programOf(shapeOf(name));
    const bucket = 16;
    const told = stepMemory(tf, program, { bucket, batchSize: 8 });
    const measured = stepMemory(tf, (rows) => program(rows + 4), { bucket, batchSize: 4 });
    assert.ok(told !== undefined && told.graph > 0);
    assert.deepEqual(told, measured);
    assert.ok(told.graph <= told.eager * 1.01, `${told.graph} and ${told.eager}`);
  });
}

test('parameters and memory are told in a sentence', () => {
  const shape = shapeOf('bag');
  const program = programOf(shape);
  const setup = { shape, layout, buckets: [8, 16], program: program(8), programOf: program };
  const memory = trainingMemory(tf, setup, 'graph');
  const weights = 100 * 32 + (32 + 1) * 48 + (48 + 1) * 5;
  assert.equal(memory.parameters, weights);
  // Weights, two moments and the mask of decay; the start twice; weights and moments of a checkpoint; the best ones;
  // two files, each in parts and as bytes.
  assert.equal(memory.variables, 4 * weights * (4 + 2 + 3 + 1 + 4));
  assert.match(
    describeMemory({ parameters: 661_376, variables: 16e6, step: 94e6 }, setup),
    /^0\.66 M parameters \(2\.6 MB\); training takes about 110 MB of memory: 16 MB .* 94 MB for a step of 8 rows of 16 tokens$/,
  );
});

test('a process takes about what was told', () => {
  const shape = { ...smallShape('modernbert'), hiddenSize: 128, intermediateSize: 256 };
  const given = JSON.stringify({ shape, batchSize: 64, length: 64 });
  const script = join(repository, 'tests', 'bench', 'student-memory-run.ts');
  const args = ['--import', './cache/loader/register.mjs', script, given];
  const { stdout } = spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8' });
  const { statedBytes, peakBytes } = JSON.parse(stdout) as Record<string, number>;
  const ratio = (statedBytes ?? 0) / (peakBytes ?? 0);
  assert.ok(ratio > 0.65 && ratio < 1.5, `told ${statedBytes}, took ${peakBytes}`);
});

test('the time is told by steps that leave the student as it was', async (t) => {
  const stepper = createGraphStepper(tf, programOf(shapeOf('bag'))(8));
  t.after(() => stepper.dispose());
  const before = stepper.state();
  let clock = 0;
  const plan = {
    stepper,
    student: { layout, buckets: [8, 16] },
    settings: settingsOf(
      trainStudentConfig.parse({ steps: 600, evaluateEvery: 100, batchSize: 8 }),
    ),
    inputs: { validation: validationOf(80) },
    transferSet,
    now: () => (clock += 50),
  };
  const time = await expectedTime(plan);
  // Every call takes 50 ms by this clock: 600 steps and 6 times 10 batches of validation.
  assert.deepEqual(time, { stepMs: 50, totalMs: 50 * (600 + 60) });
  assert.deepEqual(stepper.state(), before);
  assert.equal(
    describeTime({ stepMs: 50, totalMs: 33_000 }, plan.settings),
    'takes about 33 s: 600 steps of 50 ms and 6 measurements on validation',
  );
  const short = { ...plan, settings: { ...plan.settings, steps: 20 } };
  assert.equal(await expectedTime(short), null);
});

function shapeOf(architecture: StudentShape['architecture']): StudentShape {
  const shape = { ...smallShape(architecture), dropout: 0.1 };
  if (architecture !== 'cnn') return shape;
  return { ...shape, vocabularySize: 0, features: [{ name: 'image', shape: [8, 8, 2] }] };
}

function programOf(shape: StudentShape) {
  const architecture = architectureOf(shape.architecture);
  const features = shape.features && { features: { image: 128 } };
  return (batchSize: number) =>
    studentProgram({
      architecture,
      shape,
      initialWeights: initialise(architecture.parameters(shape), 1),
      layout: { ...layout, ...features, batchSize },
      buckets: [8, 16],
      settings: { labelSmoothing: 0.1, weightDecay: 0.01, maxGradNorm: 1 },
    });
}

const transferSet: TransferSet = {
  rowCount: 20,
  goldCount: 20,
  lengths: Array.from({ length: 20 }, (_, row) => (row % 2 === 0 ? 5 : 12)),
  shardCount: 1,
  readShard: () =>
    Promise.resolve(
      Array.from({ length: 20 }, (_, row) => ({
        exampleId: String(row),
        tokenIds: new Int32Array(row % 2 === 0 ? 5 : 12).fill(3),
        gold: [{ labelId: 1, weight: 1 }],
        soft: null,
      })),
    ),
  soft: { type: 'top-k', width: 3 },
  leftOut: [],
};

function validationOf(rowCount: number) {
  const exampleIds = Array.from({ length: rowCount }, (_, row) => String(row));
  const offsets = Int32Array.from({ length: rowCount + 1 }, (_, row) => 5 * row);
  const tokens = { exampleIds, offsets, tokenIds: new Int32Array(5 * rowCount).fill(3) };
  return {
    tokens: {
      ...tokens,
      typeIds: null,
      truncated: new Uint8Array(rowCount),
      tokenizerDigest: '',
      maxLength: 16,
    },
    goldIds: new Int32Array(rowCount),
    teacherIds: new Int32Array(rowCount),
  };
}
