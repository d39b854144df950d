import { randomFor } from '#stages/numerics/random.ts';
import {
  DATA_TYPES,
  type DataType,
  type Dimension,
  graph,
  int64Tensor,
  model,
  node,
  type ProtoMessage,
  tensor,
  valueInfo,
} from '#stages/onnx/wire.ts';
import { prepare } from '#stages/prepare/index.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { prepareRows } from '#tests/support/prepare-run.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { modelFile, type TeacherKind, type TeacherRun } from './kind.ts';

const classNames = ['a', 'b', 'c'];

/** Rows with a tensor `x` each, and the model that reads it. */
async function ofTensors(
  valuesOf: (row: number) => number[] | number[][],
  shape: readonly (number | null)[],
  nodes: Model,
  change: { readonly type?: DataType; readonly batch?: Dimension } = {},
): Promise<TeacherRun> {
  const rows = Array.from({ length: 32 }, (_, row) => ({ x: valuesOf(row), label: 'a' }));
  const folder = temporaryFolder();
  const file = (name: string, from: number, to?: number) => [
    corpusFile(folder, `${name}.jsonl`, jsonLines(rows.slice(from, to))),
  ];
  const columns = { text: null, tensors: { x: { columns: 'x', shape } } };
  const files = {
    train: file('train', 0, 24),
    validation: file('validation', 24, 28),
    test: file('test', 28),
  };
  const { outputs } = await runStage(prepare, { config: { classNames, columns }, files });
  const { type = 'float32', batch = 'batch' } = change;
  const declared = shape.map((length) => length ?? 'frames');
  const path = modelFile(
    model(
      graph({
        name: 'tensors',
        ...nodes,
        inputs: [valueInfo('x', type, [batch, ...declared])],
        outputs: [valueInfo('logits', 'float32', [batch, classNames.length])],
      }),
      { opset: 12 },
    ),
  );
  return { inputs: outputs, files: { model: [path] }, config: { keep: 'all', maxLength: 128 } };
}

interface Model {
  readonly nodes: readonly ProtoMessage[];
  readonly initializers: readonly ProtoMessage[];
}

/** Values from -1 to 1. */
function noise(name: string, shape: readonly number[]): Float32Array {
  const random = randomFor(1, name);
  const size = shape.reduce((product, length) => product * length, 1);
  return Float32Array.from({ length: size }, () => 2 * random() - 1);
}

function weights(name: string, shape: readonly number[]): ProtoMessage {
  return tensor(name, 'float32', shape, noise(name, shape));
}

/** A convolution, its means and a linear head. */
const CNN: Model = {
  nodes: [
    node('Conv', ['x', 'kernels', 'bias'], ['seen'], { pads: { ints: [1, 1, 1, 1] } }),
    node('Relu', ['seen'], ['bent']),
    node('GlobalAveragePool', ['bent'], ['pooled']),
    node('Flatten', ['pooled'], ['features']),
    node('MatMul', ['features', 'head'], ['logits']),
  ],
  initializers: [weights('kernels', [6, 1, 3, 3]), weights('bias', [6]), weights('head', [6, 3])],
};

/** The sum of what a matrix makes of each frame: padding would be seen. */
const FRAMES: Model = {
  nodes: [
    node('MatMul', ['x', 'head'], ['scores']),
    node('ReduceSum', ['scores'], ['logits'], { axes: { ints: [1] }, keepdims: { int: 0 } }),
  ],
  initializers: [weights('head', [4, 3])],
};

/** A table of bytes and the mean of what it has. */
const BYTES: Model = {
  nodes: [
    node('Gather', ['table', 'x'], ['vectors']),
    node('ReduceMean', ['vectors'], ['mean'], { axes: { ints: [1] }, keepdims: { int: 0 } }),
    node('Reshape', ['mean', 'shape'], ['logits']),
  ],
  initializers: [weights('table', [256, 3]), int64Tensor('shape', [-1, 3])],
};

/** A bag of word pieces and the columns of a table, in one score. */
async function textsAndColumns(): Promise<TeacherRun> {
  const rows = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => {
      const row = from + at;
      return { text: `top up card number ${row}`, label: row, price: row / 7, clicks: -row };
    });
  const corpus = { train: rows(0, 12), validation: rows(12, 14), test: rows(14, 16) };
  const task = 'regression';
  const config = {
    task,
    classNames: ['score'],
    columns: { tensors: { facts: ['price', 'clicks'] } },
  };
  const { outputs } = await prepareRows(corpus, { config, files: { teacherConfig: [] } });
  const shape = ['batch', 'sequence'];
  const content = graph({
    name: 'texts and columns',
    nodes: [
      node('Gather', ['words', 'input_ids'], ['vectors']),
      node('Cast', ['attention_mask'], ['mask'], { to: { int: DATA_TYPES.float32 } }),
      node('Unsqueeze', ['mask'], ['mask3'], { axes: { ints: [2] } }),
      node('Mul', ['vectors', 'mask3'], ['seen']),
      node('ReduceSum', ['seen'], ['bag'], { axes: { ints: [1] }, keepdims: { int: 0 } }),
      node('Concat', ['bag', 'facts'], ['both'], { axis: { int: 1 } }),
      node('MatMul', ['both', 'head'], ['logits']),
    ],
    initializers: [weights('words', [1046, 4]), weights('head', [6, 1])],
    inputs: [
      ...['input_ids', 'attention_mask'].map((name) => valueInfo(name, 'int64', shape)),
      valueInfo('facts', 'float32', ['batch', 2]),
    ],
    outputs: [valueInfo('logits', 'float32', ['batch', 1])],
  });
  const path = modelFile(model(content, { opset: 12 }));
  return { inputs: outputs, files: { model: [path] }, config: { task, maxLength: 128 } };
}

const image = (row: number) => [...noise(`image ${row}`, [8, 8])];

/** Teachers that read tensors, alone or beside a text. */
export const TENSOR_KINDS: readonly TeacherKind[] = [
  { name: 'images', isEverywhere: true, make: () => ofTensors(image, [1, 8, 8], CNN) },
  {
    name: 'images in batches of five',
    make: () => ofTensors(image, [1, 8, 8], CNN, { batch: 5 }),
  },
  {
    name: 'frames, as many as a row has',
    isEverywhere: true,
    make: () =>
      ofTensors(
        (row) =>
          Array.from({ length: 1 + (row % 5) }, (_, step) => [...noise(`${row}/${step}`, [4])]),
        [null, 4],
        FRAMES,
      ),
  },
  { name: 'texts and the columns of a table', make: textsAndColumns },
  {
    name: 'bytes as integers',
    make: () =>
      ofTensors(
        (row) => Array.from({ length: 16 }, (_, place) => (row * 31 + place * place) % 256),
        [16],
        BYTES,
        { type: 'int64' },
      ),
  },
];
