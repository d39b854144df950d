import type { Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { bagOnnx } from './bag-onnx.ts';
import { dropoutOf } from './dropout.ts';
import { featureCount, joinFeatures } from './features.ts';
import { bagConfig } from './hugging-face-config.ts';
import { tensorsOf } from './onnx-builder.ts';
import { embed, linear, meanOverTokens } from './operations.ts';
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

/**
 * Mean of the word pieces' embeddings, one hidden layer: blind to word order, small and fast. Tensors of the
 * row stand beside the mean (wide and deep; Cheng et al. 2016).
 */
export const bag: Architecture = {
  name: 'bag',
  parameters,
  forward,
  config: bagConfig,
  onnx: (shape, weights) => bagOnnx(shape, tensorsOf(parameters(shape), weights, shape.taskHeads)),
};

function parameters(shape: StudentShape): ParameterSpec[] {
  if (shape.perToken) throw new StudentShapeError('bag', NO_WORDS, 'take modernbert or bert');
  const { vocabularySize, hiddenSize, intermediateSize, classCount } = shape;
  const width = hiddenSize + featureCount(shape);
  return [
    matrix('embeddings.weight', [vocabularySize, hiddenSize], EMBEDDING),
    matrix('hidden.weight', [intermediateSize, width], variancePreserving(width)),
    vector('hidden.bias', intermediateSize, 'zeros'),
    matrix(
      'classifier.weight',
      [classCount, intermediateSize],
      variancePreserving(intermediateSize),
    ),
    vector('classifier.bias', classCount, 'zeros'),
  ];
}

function forward(
  tf: Tensorflow,
  named: NamedTensors,
  inputs: ForwardInputs,
  shape: StudentShape,
): Tensor2D {
  const dropout = dropoutOf(tf, shape.dropout, inputs);
  const tokens = embed(tf, parameterOf(named, 'embeddings.weight'), inputs);
  const pooled = dropout(meanOverTokens(tf, tokens, inputs));
  const row = joinFeatures(tf, [pooled], inputs, shape);
  const hidden = tf.relu(
    linear(tf, row, parameterOf(named, 'hidden.weight'), parameterOf(named, 'hidden.bias')),
  );
  inputs.onFeatures?.(hidden);
  return linear(
    tf,
    dropout(hidden),
    parameterOf(named, 'classifier.weight'),
    parameterOf(named, 'classifier.bias'),
  );
}

const NO_WORDS = 'it says one thing about a whole text, and each token is asked about';

const EMBEDDING: Initialisation = { kind: 'normal', std: 0.1 };
