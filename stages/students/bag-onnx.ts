import { onnxFeatures } from './features.ts';
import { onnxEmbedding, onnxInputs, onnxMeanOverTokens } from './onnx-blocks.ts';
import { OnnxBuilder, type Tensors } from './onnx-builder.ts';
import type { StudentShape } from './student.ts';

/** The forward pass of `bag.ts` as an ONNX file, for any batch size and length. */
export function bagOnnx(shape: StudentShape, tensors: Tensors): Uint8Array {
  const { hiddenSize, classCount } = shape;
  const builder = new OnnxBuilder(tensors);
  const inputs = onnxInputs(builder);
  const tokens = onnxEmbedding(builder, 'embeddings.weight');
  const pooled = onnxMeanOverTokens(builder, tokens, inputs, hiddenSize);
  const row = onnxFeatures(builder, [pooled], shape);
  const hidden = builder.add('Relu', [builder.linear(row, 'hidden', { bias: true })]);
  return builder.finish(builder.linear(hidden, 'classifier', { bias: true }), classCount);
}
