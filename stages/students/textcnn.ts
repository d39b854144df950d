import type { Tensor, Tensor2D, Tensor4D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { convolve, filters } from './convolutions.ts';
import { dropoutOf } from './dropout.ts';
import { featureCount, joinFeatures } from './features.ts';
import { textCnnConfig } from './hugging-face-config.ts';
import { tensorsOf } from './onnx-builder.ts';
import { embed, linear, realTokens } from './operations.ts';
import {
  type Architecture,
  type ForwardInputs,
  type Initialisation,
  matrix,
  type NamedTensors,
  type ParameterSpec,
  parameterOf,
  type StudentShape,
  StudentShapeError,
  variancePreserving,
  vector,
} from './student.ts';
import { textCnnOnnx } from './textcnn-onnx.ts';
import { windowsOf } from './textcnn-windows.ts';

/**
 * Filters over neighbouring word pieces, the strongest answer of each anywhere in the text, one linear layer
 * (Kim 2014). Tensors of the row stand beside those answers, as in a bag.
 */
export const textCnn: Architecture = {
  name: 'textcnn',
  parameters,
  forward,
  config: textCnnConfig,
  onnx: (shape, weights) =>
    textCnnOnnx(shape, tensorsOf(parameters(shape), weights, shape.taskHeads)),
};

function parameters(shape: StudentShape): ParameterSpec[] {
  if (shape.perToken) throw new StudentShapeError('textcnn', NO_WORDS, 'take modernbert or bert');
  const { vocabularySize, hiddenSize, classCount } = shape;
  const { widths, filterCount } = windowsOf(shape);
  const pooled = widths.length * filterCount + featureCount(shape);
  return [
    matrix('embeddings.weight', [vocabularySize, hiddenSize], EMBEDDING),
    ...widths.flatMap((width) => [
      filters(`convolutions.${width}.weight`, [filterCount, hiddenSize, width]),
      vector(`convolutions.${width}.bias`, filterCount, 'zeros'),
    ]),
    matrix('classifier.weight', [classCount, pooled], variancePreserving(pooled)),
    vector('classifier.bias', classCount, 'zeros'),
  ];
}

function forward(
  tf: Tensorflow,
  named: NamedTensors,
  inputs: ForwardInputs,
  shape: StudentShape,
): Tensor2D {
  const { batchSize, sequenceLength } = inputs;
  const dropout = dropoutOf(tf, shape.dropout, inputs);
  const real = tf.reshape(realTokens(tf, inputs), [batchSize, sequenceLength, 1]);
  const rows = embed(tf, parameterOf(named, 'embeddings.weight'), inputs);
  const tokens = tf.mul(tf.reshape(rows, [batchSize, sequenceLength, shape.hiddenSize]), real);
  const padding = tf.reshape(tf.mul(tf.sub(1, real), PADDING_SCORE), [
    batchSize,
    1,
    sequenceLength,
    1,
  ]);
  const strongest = windowsOf(shape).widths.map((width) => {
    const weight = parameterOf(named, `convolutions.${width}.weight`);
    const answers = tf.add<Tensor4D>(answersOf(tf, tokens, weight, width), padding);
    const bias = parameterOf(named, `convolutions.${width}.bias`);
    // A bias and a ReLU change no order, so they wait for the one answer that is left.
    return tf.relu(tf.add(maxOverTime(tf, answers), bias));
  });
  const pooled = strongest.length === 1 ? (strongest[0] as Tensor) : tf.concat(strongest, 1);
  const row = joinFeatures(tf, [dropout(pooled)], inputs, shape);
  inputs.onFeatures?.(row);
  return linear(
    tf,
    row,
    parameterOf(named, 'classifier.weight'),
    parameterOf(named, 'classifier.bias'),
  );
}

/** What filters [out, in, width] say of the window that begins at each token: [batch, 1, length, out]. */
function answersOf(tf: Tensorflow, tokens: Tensor, weight: Tensor, width: number): Tensor4D {
  const [outputs = 0, inputs = 0] = weight.shape;
  const window = tf.reshape(weight, [outputs, inputs, 1, width]);
  // Windows of the last tokens look past the end, where zeros stand as in the padding of shorter rows.
  const padded = tf.pad(tokens, [
    [0, 0],
    [0, width - 1],
    [0, 0],
  ]);
  const [batchSize = 0, length = 0, hidden = 0] = padded.shape;
  return convolve(tf, tf.reshape(padded, [batchSize, 1, length, hidden]), window, 'valid');
}

/** The largest answer of each filter; of equal ones the first has the gradient, which tf.max gives to all. */
function maxOverTime(tf: Tensorflow, answers: Tensor4D): Tensor2D {
  const [batchSize, , length, outputs] = answers.shape;
  return tf.reshape(tf.maxPool(answers, [1, length], 1, 'valid'), [batchSize, outputs]);
}

const NO_WORDS = 'it says one thing about a whole text, and each token is asked about';

/** Below every answer, and finite, so that a row without tokens gives numbers too. */
const PADDING_SCORE = -1e9;

const EMBEDDING: Initialisation = { kind: 'normal', std: 0.1 };
