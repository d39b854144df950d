import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { dropoutOf } from './dropout.ts';
import { featureCount, joinFeatures, onnxFeatures } from './features.ts';
import { mlpConfig } from './hugging-face-config.ts';
import { OnnxBuilder, tensorsOf } from './onnx-builder.ts';
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

/** All tensors of a row as one vector, through hidden layers with ReLU. Reads no text. */
export const mlp: Architecture = {
  name: 'mlp',
  parameters,
  forward,
  config: mlpConfig,
  onnx,
};

function parameters(shape: StudentShape): ParameterSpec[] {
  const { layers, hiddenSize, classCount } = shape;
  const hidden = Array.from({ length: layers }, (_, layer) => {
    const width = layer === 0 ? featureCount(shape) : hiddenSize;
    return [
      matrix(`layers.${layer}.weight`, [hiddenSize, width], variancePreserving(width)),
      vector(`layers.${layer}.bias`, hiddenSize, 'zeros'),
    ];
  });
  return [
    ...hidden.flat(),
    matrix('classifier.weight', [classCount, hiddenSize], variancePreserving(hiddenSize)),
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
  const through = (x: Tensor, name: string) =>
    linear(tf, x, parameterOf(named, `${name}.weight`), parameterOf(named, `${name}.bias`));
  let x: Tensor = joinFeatures(tf, [], inputs, shape);
  for (let layer = 0; layer < shape.layers; layer++) {
    x = dropout(tf.relu(through(x, `layers.${layer}`)));
  }
  inputs.onFeatures?.(x as Tensor2D);
  return through(x, 'classifier');
}

function onnx(shape: StudentShape, weights: ReadonlyMap<string, Float32Array>): Uint8Array {
  const builder = new OnnxBuilder(tensorsOf(parameters(shape), weights));
  let x = onnxFeatures(builder, [], shape);
  for (let layer = 0; layer < shape.layers; layer++) {
    x = builder.add('Relu', [builder.linear(x, `layers.${layer}`, { bias: true })]);
  }
  const logits = builder.linear(x, 'classifier', { bias: true });
  return builder.finish(logits, shape.classCount, 'tensors');
}
