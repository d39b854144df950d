import { randomFor } from '#stages/numerics/random.ts';
import {
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

const image = (row: number) => [...noise(`image ${row}`, [8, 8])];

/** Teachers that read tensors and no text. */
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
