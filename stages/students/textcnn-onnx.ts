import { onnxFeatures } from './features.ts';
import { onnxEmbedding, onnxInputs } from './onnx-blocks.ts';
import { OnnxBuilder, type Tensors } from './onnx-builder.ts';
import type { StudentShape } from './student.ts';
import { windowsOf } from './textcnn-windows.ts';

/** The forward pass of `textcnn.ts` as an ONNX file, for any batch size and length. */
export function textCnnOnnx(shape: StudentShape, tensors: Tensors): Uint8Array {
  const builder = new OnnxBuilder(tensors);
  const { mask } = onnxInputs(builder);
  const real = builder.add('Unsqueeze', [mask, builder.ints([2])]);
  const embedded = onnxEmbedding(builder, 'embeddings.weight');
  // [batch, hidden, sequence]: ONNX convolves over what stands behind the channels.
  const tokens = builder.transpose(builder.add('Mul', [embedded, real]), [0, 2, 1]);
  const padding = builder.add('Unsqueeze', [paddingScores(builder, mask), builder.ints([1])]);
  const strongest = windowsOf(shape).widths.map((width) => {
    const answers = builder.add('Conv', [tokens, builder.weight(`convolutions.${width}.weight`)], {
      kernel_shape: { ints: [width] },
      pads: { ints: [0, width - 1] },
    });
    const best = builder.add('ReduceMax', [builder.add('Add', [answers, padding])], {
      axes: { ints: [2] },
      keepdims: { int: 0 },
    });
    return builder.add('Relu', [
      builder.add('Add', [best, builder.weight(`convolutions.${width}.bias`)]),
    ]);
  });
  const row = onnxFeatures(builder, strongest, shape);
  const logits = builder.linear(row, 'classifier', { bias: true });
  return builder.finish(logits, shape.classCount);
}

/** 0 for real tokens, far below every answer for padding. [batch, sequence] */
function paddingScores(builder: OnnxBuilder, mask: string): string {
  return builder.add('Mul', [builder.add('Sub', [builder.scalar(1), mask]), builder.scalar(-1e9)]);
}
