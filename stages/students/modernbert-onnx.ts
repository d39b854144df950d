import { rotaryFrequencies } from './attention.ts';
import { MODERNBERT_EPSILON, MODERNBERT_THETA } from './hugging-face-config.ts';
import {
  FLOAT,
  type OnnxInputs,
  onnxAttend,
  onnxEmbedding,
  onnxInputs,
  onnxMeanOverTokens,
  onnxPaddingScores,
} from './onnx-blocks.ts';
import { OnnxBuilder } from './onnx-builder.ts';
import type { ParameterSpec, StudentShape } from './student.ts';

/** The forward pass of `modernbert.ts` as an ONNX file, for any batch size and length. */
export function modernBertOnnx(
  shape: StudentShape,
  specs: readonly ParameterSpec[],
  weights: ReadonlyMap<string, Float32Array>,
): Uint8Array {
  const builder = new OnnxBuilder(specs, weights);
  const norm = (x: string, name: string) =>
    builder.layerNorm(x, name, { bias: false, epsilon: MODERNBERT_EPSILON });
  const inputs = onnxInputs(builder);
  const batch = sharedByLayers(builder, inputs, shape);

  const tokens = onnxEmbedding(builder, 'model.embeddings.tok_embeddings.weight');
  const rows = builder.reshape(tokens, builder.ints([-1, shape.hiddenSize]));
  let x = norm(rows, 'model.embeddings.norm');
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const normalised = layer === 0 ? x : norm(x, `${prefix}.attn_norm`);
    x = builder.add('Add', [x, attention(builder, normalised, { prefix, batch, shape })]);
    x = builder.add('Add', [x, feedForward(builder, norm(x, `${prefix}.mlp_norm`), prefix, shape)]);
  }
  const normalised = norm(x, 'model.final_norm');
  const pooled = onnxMeanOverTokens(builder, normalised, inputs, shape.hiddenSize);
  const dense = builder.gelu(builder.linear(pooled, 'head.dense', { bias: false }));
  const logits = builder.linear(norm(dense, 'head.norm'), 'classifier', { bias: true });
  return builder.finish(logits, shape.classCount);
}

interface SharedByLayers {
  readonly padding: string;
  /** int64 [5]: batch, sequence, 3, heads, headSize. */
  readonly partedShape: string;
  /** [2, 1, 1, sequence, headSize]; the queries' part holds 1 / sqrt(headSize) too. */
  readonly cos: string;
  readonly sin: string;
}

function sharedByLayers(
  builder: OnnxBuilder,
  inputs: OnnxInputs,
  { hiddenSize, heads }: StudentShape,
): SharedByLayers {
  const headSize = hiddenSize / heads;
  return {
    padding: onnxPaddingScores(builder, inputs),
    partedShape: builder.concat([inputs.batchShape, builder.ints([3, heads, headSize])], 0),
    ...rotation(builder, inputs, headSize),
  };
}

/** cos and sin are computed from the length of the input: no table that would limit it. */
function rotation(
  builder: OnnxBuilder,
  { sequence }: OnnxInputs,
  headSize: number,
): { cos: string; sin: string } {
  const frequencies = Array.from(rotaryFrequencies(headSize, MODERNBERT_THETA));
  const signs = [...frequencies.map(() => -1), ...frequencies.map(() => 1)];
  const length = builder.add('Squeeze', [sequence]);
  const positions = builder.add('Range', [
    builder.add('Squeeze', [builder.ints([0])]),
    length,
    builder.add('Squeeze', [builder.ints([1])]),
  ]);
  const angles = builder.add('Mul', [
    builder.add('Unsqueeze', [
      builder.add('Cast', [positions], { to: { int: FLOAT } }),
      builder.ints([1]),
    ]),
    builder.floats([...frequencies, ...frequencies]),
  ]); // [sequence, headSize]
  const scales = builder.floats([1 / Math.sqrt(headSize), 1], [2, 1, 1, 1, 1]);
  const signedSin = builder.add('Mul', [builder.add('Sin', [angles]), builder.floats(signs)]);
  return {
    cos: builder.add('Mul', [builder.add('Cos', [angles]), scales]),
    sin: builder.add('Mul', [signedSin, scales]),
  };
}

function attention(
  builder: OnnxBuilder,
  x: string,
  layer: { readonly prefix: string; readonly batch: SharedByLayers; readonly shape: StudentShape },
): string {
  const { padding, partedShape, cos, sin } = layer.batch;
  const { hiddenSize, heads } = layer.shape;
  const half = hiddenSize / heads / 2;
  const fused = builder.linear(x, `${layer.prefix}.attn.Wqkv`, { bias: false });
  const parted = builder.transpose(builder.reshape(fused, partedShape), [2, 0, 3, 1, 4]);
  const [unturned, value] = builder.split(parted, [2, 1], 0) as [string, string];
  const [first, second] = builder.split(unturned, [half, half], -1) as [string, string];
  const turned = builder.add('Add', [
    builder.add('Mul', [unturned, cos]),
    builder.add('Mul', [builder.concat([second, first], -1), sin]),
  ]);
  const [query, key] = builder.split(turned, [1, 1], 0) as [string, string];
  const context = onnxAttend(builder, { query, key, value }, { padding, rank: 5 });
  const sideBySide = builder.transpose(context, [0, 1, 3, 2, 4]);
  const rows = builder.reshape(sideBySide, builder.ints([-1, hiddenSize]));
  return builder.linear(rows, `${layer.prefix}.attn.Wo`, { bias: false });
}

function feedForward(
  builder: OnnxBuilder,
  x: string,
  prefix: string,
  { intermediateSize }: StudentShape,
): string {
  const wide = builder.linear(x, `${prefix}.mlp.Wi`, { bias: false });
  const halves = builder.split(wide, [intermediateSize, intermediateSize], 1);
  const [input, gate] = halves as [string, string];
  const gated = builder.add('Mul', [builder.gelu(input), gate]);
  return builder.linear(gated, `${prefix}.mlp.Wo`, { bias: false });
}
