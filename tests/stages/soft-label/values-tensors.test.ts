import assert from 'node:assert/strict';
import test from 'node:test';
import { brokenRows } from '#datasets/row-invariants.ts';
import { openSoftLabels } from '#datasets/soft-labels/soft-labels.ts';
import { binaryEntropy } from '#stages/numerics/binary.ts';
import {
  type DataType,
  type Dimension,
  graph,
  model,
  node,
  tensor,
  valueInfo,
} from '#stages/onnx/wire.ts';
import { prepare } from '#stages/prepare/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { echoModel } from '#tests/stages/onnx/logit-models.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

type Row = Readonly<Record<string, unknown>>;

/** 24 train rows of two numbers, and two of each other split. */
const rows = Array.from({ length: 28 }, (_, row) => ({ x: [row / 4, -row], label: [row, 1] }));

async function prepared(all: readonly Row[], config: Readonly<Record<string, unknown>>) {
  const folder = temporaryFolder();
  const file = (name: string, from: number, to?: number) => [
    corpusFile(folder, `${name}.jsonl`, jsonLines(all.slice(from, to))),
  ];
  const files = {
    train: file('train', 0, -4),
    validation: file('validation', -4, -2),
    test: file('test', -2),
  };
  return (await runStage(prepare, { config, files })).outputs;
}

async function speak(
  inputs: Readonly<Record<string, string>>,
  file: Uint8Array,
  config: Readonly<Record<string, unknown>> = {},
): Promise<StageRun> {
  const path = corpusFile(temporaryFolder(), 'model.onnx', file);
  return runStage(softLabel, {
    config: { device: 'cpu', ...config },
    inputs,
    files: { model: [path] },
  });
}

/** logits = x W, with W of [2, 2]; an input may be cast first. */
function linearModel(
  weights: readonly number[],
  input: { name?: string; type?: DataType; shape?: readonly Dimension[] } = {},
): Uint8Array {
  const { name = 'x', type = 'float32', shape = ['batch', 2] } = input;
  return model(
    graph({
      name: 'linear',
      nodes: [
        node('Cast', [name], ['floats'], { to: { int: 1 } }),
        node('MatMul', ['floats', 'weights'], ['logits']),
      ],
      initializers: [tensor('weights', 'float32', [2, 2], Float32Array.from(weights))],
      inputs: [valueInfo(name, type, shape)],
      outputs: [valueInfo('logits', 'float32', ['batch', 2])],
    }),
  );
}

const SWAP = [0, 1, 1, 0];
const tensors = { text: null, tensors: { x: 'x' } };

for (const task of ['regression', 'multi-label'] as const) {
  test(`${task}: all numbers are kept as they are, no temperature is stored, every row is sound`, async () => {
    const label = task === 'regression' ? {} : { classNames: ['a', 'b'] };
    const own = rows.map((row) => ({ ...row, label: task === 'regression' ? row.label : ['a'] }));
    const inputs = await prepared(own, { task, columns: tensors, ...label });
    const { outputs, notes } = await speak(inputs, linearModel(SWAP), { task });
    assert.ok(!notes.join('\n').includes('topK'));
    const reader = await openSoftLabels(outputs['rows/train'] ?? '');
    const { meta } = reader;
    assert.deepEqual([meta.task, meta.mode, meta.temperatures], [task, 'dense', []]);
    const shard = await reader.readShard(0);
    assert.deepEqual([...shard.logits.subarray(6, 8)], [-3, 0.75]);
    const entropy = task === 'regression' ? 0 : binaryEntropy(-3) + binaryEntropy(0.75);
    assert.ok(Math.abs((shard.entropyNats[3] ?? -1) - entropy) < 1e-6);
    assert.deepEqual(brokenRows(shard, meta, 'train', new Set()), []);
    await reader.close();
  });
}

test('a teacher that gives every row the same values is refused, one output is no silence', async () => {
  const inputs = await prepared(rows, { task: 'regression', columns: tensors });
  await assert.rejects(
    speak(inputs, linearModel([0, 0, 0, 0]), { task: 'regression' }),
    /the same numbers in each of the first 24 rows/,
  );
});

test('a row whose value is no number is left out and told', async () => {
  const many = Array.from({ length: 2004 }, (_, row) => ({ x: [row, row === 7 ? 1e38 : 1] }));
  const inputs = await prepared(many, {
    task: 'regression',
    columns: tensors,
    classNames: ['u', 'v'],
  });
  const spoken = await speak(inputs, linearModel([1, 0, 0, 100]), { task: 'regression' });
  assert.equal(spoken.counts['quarantined'], 1);
  assert.match(spoken.warnings.join('\n'), /NaN or infinite/);
});

test('integer inputs get integers, and a scaled tensor is refused there', async () => {
  const classes = { classNames: ['a', 'b'] };
  const whole = rows.map((_, row) => ({ x: [row, 2 * row + 1], label: 'a' }));
  for (const type of ['int32', 'int64'] as const) {
    const inputs = await prepared(whole, { columns: tensors, ...classes });
    const { outputs } = await speak(inputs, linearModel(SWAP, { type }));
    const reader = await openSoftLabels(outputs['rows/train'] ?? '');
    assert.deepEqual([...(await reader.readShard(0)).logits.subarray(10, 12)], [11, 5]);
    await reader.close();
  }
  const scaled = { text: null, tensors: { x: { columns: 'x', scale: '1/2' } } };
  const inputs = await prepared(whole, { columns: scaled, ...classes });
  await assert.rejects(speak(inputs, linearModel(SWAP, { type: 'int32' })), /the number 0.5/);
});

test('float16 inputs get the nearest half floats, and what is beyond them is refused', async () => {
  const half = linearModel(SWAP, { type: 'float16' });
  const classes = { columns: tensors, classNames: ['a', 'b'] };
  const some = rows.map((_, row) => ({ x: [row / 10, -row], label: 'a' }));
  const { outputs } = await speak(await prepared(some, classes), half);
  const reader = await openSoftLabels(outputs['rows/train'] ?? '');
  const { logits } = await reader.readShard(0);
  assert.deepEqual([...logits.subarray(6, 8)], [-3, 0.300048828125]);
  await reader.close();
  const huge = some.map(({ x: [one = 0], label }, row) => ({ x: [one, 1e4 * row], label }));
  await assert.rejects(
    speak(await prepared(huge, classes), half),
    /the model's input "x" is float16, up to 65504, the corpus gives it the number \d+0000/,
  );
});

test('inputs that cannot be matched are told with both sides, by name and by shape', async () => {
  const inputs = await prepared(
    rows.map(({ x }) => ({ x, label: 'a' })),
    {
      columns: tensors,
      classNames: ['a', 'b'],
    },
  );
  await assert.rejects(
    speak(inputs, linearModel(SWAP, { name: 'pixels' })),
    /the model wants pixels .* and the tensors x/,
  );
  const three = await prepared(
    rows.map(({ x }) => ({ x, label: 'a' })),
    { columns: tensors, classNames: ['a', 'b', 'c'] },
  );
  await assert.rejects(
    speak(three, echoModel({ shape: ['batch', 3] })),
    /the model's input "x" is \[3\], the corpus gives it \[2\]/,
  );
});

test('a model with a fixed batch gets full batches, and rows have the numbers that they have alone', async () => {
  const inputs = await prepared(
    rows.map(({ x }) => ({ x, label: 'a' })),
    {
      columns: tensors,
      classNames: ['a', 'b'],
    },
  );
  const { outputs } = await speak(inputs, linearModel(SWAP, { shape: [5, 2] }));
  const reader = await openSoftLabels(outputs['rows/train'] ?? '');
  const { logits } = await reader.readShard(0);
  assert.deepEqual([...logits.subarray(46, 48)], [-23, 23 / 4]);
  await reader.close();
});

test('frames: rows of different length meet the model in batches of one length', async () => {
  // Sums over its frames: padding would be seen.
  const file = model(
    graph({
      name: 'frames',
      nodes: [node('ReduceSum', ['x'], ['logits'], { axes: { ints: [1] }, keepdims: { int: 0 } })],
      inputs: [valueInfo('x', 'float32', ['batch', 'frames', 2])],
      outputs: [valueInfo('logits', 'float32', ['batch', 2])],
    }),
    { opset: 12 },
  );
  const frames = Array.from({ length: 40 }, (_, row) => ({
    x: Array.from({ length: 1 + (row % 5) }, (_frame, step) => [row, step]),
    label: 'a',
  }));
  const columns = { text: null, tensors: { x: { columns: 'x', shape: [null, 2] } } };
  const inputs = await prepared(frames, { columns, classNames: ['a', 'b'] });
  const { outputs } = await speak(inputs, file);
  const reader = await openSoftLabels(outputs['rows/train'] ?? '');
  const { logits } = await reader.readShard(0);
  // Row 8 has four frames: 4 x 8, and 0 + 1 + 2 + 3.
  assert.deepEqual([...logits.subarray(16, 18)], [32, 6]);
  await reader.close();
});
