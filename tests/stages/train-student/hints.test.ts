import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import { readSafetensors } from '#stages/students/safetensors.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batch-feeds.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { trainStudentConfig } from '#stages/train-student/settings.ts';
import { stepParameters, studentProgram } from '#stages/train-student/student-program.ts';
import { assertClose } from '#tests/support/close.ts';
import { failingWith } from '#tests/support/failure.ts';
import { randomBatch } from '#tests/support/random-batch.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

const small = {
  architecture: 'bag',
  hiddenSize: 16,
  steps: 75,
  learningRate: 0.02,
  batchSize: 16,
  evaluateEvery: 75,
  device: 'cpu',
} as const;
const hints = (['mse', 'cosine', 'relation'] as const).map((loss) => ({
  from: 'class',
  loss,
  weight: 2,
}));
const inputs = await syntheticInputs({ hidden: true });

test('a student comes near to the features of its teacher, and leaves the projections at home', async () => {
  const plain = await runStage(trainStudent, { config: small, inputs });
  for (const hint of hints) {
    const run = await runStage(trainStudent, { config: { ...small, hints: [hint] }, inputs });
    const lines = (await readFile(join(run.outputs['log'] ?? '', 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>)
      .filter((line) => line['loss'] !== undefined);
    const [first = {}, last = {}] = [lines[0], lines.at(-1)];
    assert.ok(
      (last['hintLoss'] ?? 0) < 0.7 * (first['hintLoss'] ?? 0),
      JSON.stringify([hint, lines]),
    );
    const { loss = 0, softLoss = 0, hardLoss = 0, hintLoss = 0 } = last;
    assertClose(loss, 0.9 * softLoss + 0.1 * hardLoss + hintLoss, 1e-5, 'printed loss');
    assert.equal(run.counts['parameters'], plain.counts['parameters']);
    const tensors = async ({ outputs }: typeof run) => [
      ...(await readSafetensors(join(outputs['student'] ?? '', 'model.safetensors'))).keys(),
    ];
    assert.deepEqual(await tensors(run), await tensors(plain));
  }
});

for (const [architecture, perToken] of [
  ['bag', false],
  ['modernbert', false],
  ['bert', false],
  ['bert', true],
  ['modernbert', true],
] as const) {
  test(`${architecture}${perToken ? ' of words' : ''}: steps with hints are the eager ones, dropout on`, (t) => {
    const shape: StudentShape = {
      architecture,
      vocabularySize: 30,
      classCount: 5,
      maxLength: 8,
      layers: 1,
      hiddenSize: 16,
      heads: 2,
      intermediateSize: 24,
      dropout: 0.1,
      padTokenId: 0,
      clsTokenId: 1,
      sepTokenId: 2,
      perToken,
    };
    const layout: BatchLayout = {
      batchSize: 4,
      padTokenId: 0,
      dropout: true,
      soft: { type: 'top-k', width: 3 },
      goldPerRow: 1,
      hints: hints.map((hint) => ({ ...hint, width: 7 })),
      perToken,
    };
    const parts = { architecture: architectureOf(architecture), shape, layout };
    const program = studentProgram({
      ...parts,
      initialWeights: initialise(stepParameters(parts), 1),
      buckets: [6],
      settings: { labelSmoothing: 0, weightDecay: 0.01, maxGradNorm: 1 },
    });
    const [graph, eager] = [createGraphStepper(tf, program), createEagerStepper(tf, program)];
    t.after(() => [graph, eager].forEach((stepper) => stepper.dispose()));
    const specs = trainingFeedSpecs(layout, 6);
    const losses = [0, 1, 2].map((step) => {
      const batch = randomBatch(specs, { index: step % 2, classCount: 5 });
      const recorded = graph.step(6, batch, 1e-3);
      assertClose(recorded.loss, eager.step(6, batch, 1e-3).loss, 1e-5, `loss of step ${step}`);
      return recorded.parts['hintLoss'] ?? 0;
    });
    assert.ok((losses[2] ?? 0) < (losses[0] ?? 0), losses.join(', '));
  });
}

test('a column that the cache lacks is refused with those that it has and the way out', async () => {
  const config = { ...small, hints: [{ from: 'pooler', loss: 'mse' }] };
  await assert.rejects(
    runStage(trainStudent, { config, inputs }),
    failingWith('E_HINT_COLUMN', 'hidden_pooler', 'hidden_class'),
  );
});

test('hints without soft labels, and attention, are refused by name', async () => {
  const config = { ...small, softLossWeight: 0, hardLossWeight: 1, hints };
  await assert.rejects(
    runStage(trainStudent, { config, inputs }),
    failingWith('E_HINT_FORM', 'softLossWeight is 0'),
  );
  const parsed = trainStudentConfig.safeParse({ hints: [{ from: 'x', loss: 'attention' }] });
  assert.match(parsed.error?.issues[0]?.message ?? '', /attention is a square .* take relation/);
});
