import assert from 'node:assert/strict';
import test from 'node:test';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { nativeBackend, type Scalar, type Tensor1D } from '#stages/tensorflow/runtime.ts';
import { recordStepGraph } from '#stages/tensorflow/step-graph.ts';
import type { StepProgram } from '#stages/tensorflow/step-program.ts';
import { tf } from '#tests/support/tensorflow.ts';

/** Three weights; the loss is what a test wants to see recorded. */
function programOf(loss: (weights: Tensor1D) => Scalar): StepProgram {
  return {
    initialWeights: Float32Array.of(1, 2, 3),
    decayMask: new Float32Array(3),
    buckets: [1],
    feeds: () => [],
    loss: (_, weights) => ({ loss: loss(weights), parts: {} }),
    evaluationFeeds: () => [],
    evaluate: (_, weights) => weights.square(),
    optimizer: {
      kind: 'adamw',
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      maxGradNorm: Number.POSITIVE_INFINITY,
    },
  };
}

test('JavaScript randomness in a step is refused: the graph would repeat one draw for ever', () => {
  const program = programOf((weights) => tf.dropout(weights, 0.5).sum());
  assert.throws(() => createGraphStepper(tf, program), /must not use JavaScript randomness/);
  assert.equal(typeof Math.random(), 'number');
});

test('reading values back in a step is refused: the graph would keep the first ones', () => {
  const program = programOf((weights) => weights.mul(weights.dataSync()[0] ?? 0).sum());
  assert.throws(() => createGraphStepper(tf, program), /must not read values back/);
});

test('a tensor from outside is refused by the name of the operation that uses it', (t) => {
  const outside = tf.tensor1d([1, 2, 3]);
  t.after(() => outside.dispose());
  // uploaded, as tensors are once an operation has used them
  outside.square().dispose();
  const program = programOf((weights) => weights.mul(outside).sum());
  assert.throws(() => createGraphStepper(tf, program), /an input of Mul was made outside/);
});

test('after a refusal TensorFlow works as before and nothing is left', () => {
  const before = nativeBackend(tf).getNumOfSavedModels();
  const program = programOf((weights) => weights.mul(weights.dataSync()[0] ?? 0).sum());
  assert.throws(() => createGraphStepper(tf, program));
  assert.deepEqual([...tf.tidy(() => tf.tensor1d([1, 2]).add(1).dataSync())], [2, 3]);
  assert.equal(nativeBackend(tf).getNumOfSavedModels(), before);
});

test('constants, integer lists and flags of operations survive the recording', (t) => {
  const program = programOf((weights) =>
    tf
      .pad(tf.transpose(tf.expandDims(weights, 0)).mul(tf.tensor2d([[1], [10], [100]])), [
        [1, 0],
        [0, 1],
      ])
      .sum([0], true)
      .squeeze()
      .sum<Scalar>(),
  );
  const graph = createGraphStepper(tf, program);
  t.after(() => graph.dispose());
  assert.equal(graph.step(1, {}, 0).loss, 321);
  assert.deepEqual([...graph.evaluate(1, {})], [1, 4, 9]);
});

test("products of two matrices are TensorFlow's own operation for these, of many matrices the other one", (t) => {
  const turns = [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const;
  const products = (batch: readonly number[], weights: Tensor1D) =>
    turns.map(([left, right]) => {
      const rows = (size: [number, number], isTurned: boolean) =>
        tf.add(
          tf.range(0, 6).reshape([...batch, ...(isTurned ? size.toReversed() : size)]),
          weights.sum(),
        );
      return tf.matMul(rows([2, 3], left), rows([3, 2], right), left, right).flatten();
    });
  for (const [batch, operation] of [
    [[], 'MatMul'],
    [[1], 'BatchMatMulV2'],
  ] as const) {
    const program: StepProgram = {
      ...programOf((weights) => weights.sum<Scalar>()),
      evaluate: (_, weights) => tf.concat(products(batch, weights)),
    };
    const found = Buffer.from(recordStepGraph(tf, program).savedModel)
      .toString('latin1')
      .match(/(Batch)?MatMul(V2)?/g);
    assert.deepEqual(new Set(found), new Set([operation]));
    const [graph, eager] = [createGraphStepper(tf, program), createEagerStepper(tf, program)];
    t.after(() => {
      graph.dispose();
      eager.dispose();
    });
    assert.deepEqual(graph.evaluate(1, {}), eager.evaluate(1, {}));
  }
});

test('a variable for each parameter takes the steps of one for all, whatever decays, and answers alike', (t) => {
  const program: StepProgram = {
    ...programOf((weights) => {
      const [first, others] = tf.split(weights, [1, 2]);
      return tf.sum(tf.mul(tf.square(others ?? weights), first ?? weights));
    }),
    decayMask: Float32Array.of(1, 0, 1),
  };
  const optimizer = { ...program.optimizer, weightDecay: 0.1, maxGradNorm: 0.5, averageDecay: 0.9 };
  const [whole, parted, elsewhere] = [undefined, [1, 2], [2, 1]].map((parameterSizes) => {
    const sizes = parameterSizes && { parameterSizes };
    const stepper = createGraphStepper(tf, { ...program, optimizer, ...sizes });
    t.after(() => stepper.dispose());
    const results = [1, 2, 3].map(() => stepper.step(1, {}, 0.1));
    return { results, state: stepper.state(), answer: stepper.evaluate(1, {}) };
  });
  assert.notDeepEqual(whole?.state.weights, program.initialWeights);
  assert.deepEqual(elsewhere, whole);
  assert.deepEqual(parted, whole);
});
