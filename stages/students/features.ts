import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { OnnxBuilder } from './onnx-builder.ts';
import type { ForwardInputs, StudentShape } from './student.ts';

/** Numbers that a student reads of each row, in the order of the inputs' names. */
export function featureCount({ features = [] }: Pick<StudentShape, 'features'>): number {
  return features.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Numbers of one tensor. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** All tensors of the rows side by side, behind what is given. [batch, numbers] */
export function joinFeatures(
  tf: Tensorflow,
  before: readonly Tensor[],
  inputs: ForwardInputs,
  { features = [] }: StudentShape,
): Tensor2D {
  const tensors = features.map(({ name }) => featureOf(inputs, name));
  const parts = [...before, ...tensors] as Tensor2D[];
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : tf.concat(parts, 1);
}

/** A tensor of the batch by its name: [batch, numbers]. */
export function featureOf({ features }: ForwardInputs, name: string): Tensor {
  const tensor = features?.[name];
  if (tensor === undefined) throw new Error(`the batch has no tensor "${name}"`);
  return tensor;
}

/** What `joinFeatures` gives, in a graph: inputs of their own shape, flattened. */
export function onnxFeatures(
  builder: OnnxBuilder,
  before: readonly string[],
  { features = [] }: StudentShape,
): string {
  const tensors = features.map(({ name, shape }) =>
    builder.add('Flatten', [builder.featureInput(name, shape)], { axis: { int: 1 } }),
  );
  const [only = '', ...others] = [...before, ...tensors];
  return others.length === 0 ? only : builder.concat([only, ...others], 1);
}
