import type { Tensor, Tensor2D, Tensor4D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { besideGrids, type Grid, gridsOf, meanCount } from './cnn-grid.ts';
import { cnnOnnx } from './cnn-onnx.ts';
import { convolve, filters } from './convolutions.ts';
import { dropoutOf } from './dropout.ts';
import { featureOf, sizeOf } from './features.ts';
import { cnnConfig } from './hugging-face-config.ts';
import { tensorsOf } from './onnx-builder.ts';
import { linear } from './operations.ts';
import {
  type Architecture,
  type ForwardInputs,
  matrix,
  type NamedTensors,
  type ParameterSpec,
  parameterOf,
  type StudentShape,
  variancePreserving,
  vector,
} from './student.ts';

/**
 * Blocks of convolution and ReLU over images and sequences, halved in between by the maximum of neighbours; means
 * over a coarse grid, one linear layer. Tensors of one axis stand beside the means. Reads no text.
 */
export const cnn: Architecture = {
  name: 'cnn',
  parameters,
  forward,
  config: cnnConfig,
  onnx: (shape, weights) => cnnOnnx(shape, tensorsOf(parameters(shape), weights)),
};

function parameters(shape: StudentShape): ParameterSpec[] {
  const grids = gridsOf(shape);
  const beside = besideGrids(shape).reduce((sum, tensor) => sum + sizeOf(tensor.shape), 0);
  const pooled = meanCount(shape) + beside;
  return [
    ...grids.flatMap(blockParameters),
    matrix('classifier.weight', [shape.classCount, pooled], variancePreserving(pooled)),
    vector('classifier.bias', shape.classCount, 'zeros'),
  ];
}

function blockParameters(grid: Grid): ParameterSpec[] {
  const { name, channels, widths, kernelSize, isImage } = grid;
  return widths.flatMap((width, block) => {
    const window = isImage ? [kernelSize, kernelSize] : [kernelSize];
    const prefix = `${name}.blocks.${block}`;
    return [
      filters(`${prefix}.weight`, [width, widths[block - 1] ?? channels, ...window]),
      vector(`${prefix}.bias`, width, 'zeros'),
    ];
  });
}

function forward(
  tf: Tensorflow,
  named: NamedTensors,
  inputs: ForwardInputs,
  shape: StudentShape,
): Tensor2D {
  const dropout = dropoutOf(tf, shape.dropout, inputs);
  const means = gridsOf(shape).map((grid) =>
    meansOfParts(tf, blocks(tf, named, gridOf(tf, inputs, grid, shape), grid), grid),
  );
  const beside = besideGrids(shape).map(({ name }) => featureOf(inputs, name) as Tensor2D);
  const parts = [...means, ...beside];
  const row = parts.length === 1 ? (parts[0] as Tensor) : tf.concat(parts, 1);
  inputs.onFeatures?.(row as Tensor2D);
  return linear(
    tf,
    dropout(row),
    parameterOf(named, 'classifier.weight'),
    parameterOf(named, 'classifier.bias'),
  );
}

/** [batch, rows, columns, channels] */
function gridOf(
  tf: Tensorflow,
  inputs: ForwardInputs,
  { name, rows, columns, channels, isImage }: Grid,
  shape: StudentShape,
): Tensor {
  const flat = featureOf(inputs, name);
  const { batchSize } = inputs;
  if (!isImage || shape.channels !== 'first') {
    return tf.reshape(flat, [batchSize, rows, columns, channels]);
  }
  return tf.transpose(tf.reshape(flat, [batchSize, channels, rows, columns]), [0, 2, 3, 1]);
}

function blocks(tf: Tensorflow, named: NamedTensors, grid: Tensor, { name, widths }: Grid): Tensor {
  return widths.reduce((x, _, block) => {
    const weight = parameterOf(named, `${name}.blocks.${block}.weight`);
    const bias = parameterOf(named, `${name}.blocks.${block}.bias`);
    const [outputs = 0, inputs = 0, height = 1, width = 1] = weight.shape;
    const kernel = tf.reshape(weight, [outputs, inputs, height, width]);
    const answers = tf.relu(tf.add(convolve(tf, x, kernel, 'same'), bias));
    return block === widths.length - 1 ? answers : halve(tf, answers as Tensor4D);
  }, grid);
}

/** The largest of two neighbours in each direction that has two. */
function halve(tf: Tensorflow, x: Tensor4D): Tensor4D {
  const [, rows, columns] = x.shape;
  const window: [number, number] = [Math.min(2, rows), Math.min(2, columns)];
  return tf.maxPool(x, window, window, 'same');
}

/** The mean of each part, row by row, each with all filters. [batch, means] */
function meansOfParts(tf: Tensorflow, x: Tensor, { means: { rows, columns } }: Grid): Tensor2D {
  const window: [number, number] = [rows.size, columns.size];
  const means = tf.avgPool(x as Tensor4D, window, window, 'same');
  return tf.reshape(means, [means.shape[0], -1]);
}
