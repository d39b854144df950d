import { BERT_EPSILON } from './hugging-face-config.ts';
import {
  type OnnxInputs,
  onnxAttend,
  onnxEmbedding,
  onnxInputs,
  onnxPaddingScores,
} from './onnx-blocks.ts';
import { OnnxBuilder } from './onnx-builder.ts';
import type { ParameterSpec, StudentShape } from './student.ts';

/** The forward pass of `bert.ts` as an ONNX file, for any batch size and length. */
export function bertOnnx(
  shape: StudentShape,
  specs: readonly ParameterSpec[],
  weights: ReadonlyMap<string, Float32Array>,
): Uint8Array {
  const builder = new OnnxBuilder(specs, weights);
  const inputs = onnxInputs(builder);
  const padding = onnxPaddingScores(builder, inputs);
  let x = embeddings(builder, inputs, shape);
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `bert.encoder.layer.${layer}`;
    const last = layer === shape.layers - 1;
    // Only [CLS] leaves the last layer, so that only its row is computed there.
    const queries = last ? firstTokens(builder, x, inputs, shape) : x;
    const attended = attention(builder, { queries, x }, { prefix, padding, inputs, last, shape });
    x = feedForward(builder, attended, prefix);
  }
  const pooled = builder.add('Tanh', [builder.linear(x, 'bert.pooler.dense', { bias: true })]);
  return builder.finish(builder.linear(pooled, 'classifier', { bias: true }), shape.classCount);
}

/** Normalised rows [batch * sequence, hidden]. */
function embeddings(builder: OnnxBuilder, { sequence }: OnnxInputs, shape: StudentShape): string {
  const words = onnxEmbedding(builder, 'bert.embeddings.word_embeddings.weight');
  const [start, one, rowAxis] = [builder.ints([0]), builder.ints([1]), builder.ints([0])];
  const positions = builder.add('Slice', [
    builder.weight('bert.embeddings.position_embeddings.weight'),
    start,
    sequence,
    rowAxis,
  ]);
  const firstType = builder.add('Slice', [
    builder.weight('bert.embeddings.token_type_embeddings.weight'),
    start,
    one,
    rowAxis,
  ]);
  const sum = builder.add('Add', [words, builder.add('Add', [positions, firstType])]);
  const rows = builder.reshape(sum, builder.ints([-1, shape.hiddenSize]));
  return norm(builder, rows, 'bert.embeddings.LayerNorm');
}

function firstTokens(
  builder: OnnxBuilder,
  x: string,
  { batchShape }: OnnxInputs,
  { hiddenSize }: StudentShape,
): string {
  const perText = builder.reshape(x, builder.concat([batchShape, builder.ints([hiddenSize])], 0));
  const first = builder.add('Slice', [
    perText,
    builder.ints([0]),
    builder.ints([1]),
    builder.ints([1]), // axis: sequence
  ]);
  return builder.reshape(first, builder.ints([-1, hiddenSize]));
}

function attention(
  builder: OnnxBuilder,
  { queries, x }: { readonly queries: string; readonly x: string },
  layer: {
    readonly prefix: string;
    readonly padding: string;
    readonly inputs: OnnxInputs;
    readonly last: boolean;
    readonly shape: StudentShape;
  },
): string {
  const { hiddenSize, heads } = layer.shape;
  const headSize = hiddenSize / heads;
  const allTokens = builder.concat([layer.inputs.batchShape, builder.ints([heads, headSize])], 0);
  const oneToken = builder.ints([-1, 1, heads, headSize]);
  const projected = (rows: string, name: 'query' | 'key' | 'value', shape: string) => {
    const projection = builder.linear(rows, `${layer.prefix}.attention.self.${name}`, {
      bias: true,
    });
    return builder.transpose(builder.reshape(projection, shape), [0, 2, 1, 3]);
  };
  const context = onnxAttend(
    builder,
    {
      query: projected(queries, 'query', layer.last ? oneToken : allTokens),
      key: projected(x, 'key', allTokens),
      value: projected(x, 'value', allTokens),
    },
    { padding: layer.padding, scale: 1 / Math.sqrt(headSize), rank: 4 },
  );
  const sideBySide = builder.transpose(context, [0, 2, 1, 3]);
  const rows = builder.reshape(sideBySide, builder.ints([-1, hiddenSize]));
  const output = builder.linear(rows, `${layer.prefix}.attention.output.dense`, { bias: true });
  return norm(
    builder,
    builder.add('Add', [queries, output]),
    `${layer.prefix}.attention.output.LayerNorm`,
  );
}

function feedForward(builder: OnnxBuilder, x: string, prefix: string): string {
  const wide = builder.gelu(builder.linear(x, `${prefix}.intermediate.dense`, { bias: true }));
  const output = builder.linear(wide, `${prefix}.output.dense`, { bias: true });
  return norm(builder, builder.add('Add', [x, output]), `${prefix}.output.LayerNorm`);
}

function norm(builder: OnnxBuilder, x: string, name: string): string {
  return builder.layerNorm(x, name, { bias: true, epsilon: BERT_EPSILON });
}
