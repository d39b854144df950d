import { rotaryFrequencies } from './attention.ts';
import {
  FLOAT,
  type OnnxInputs,
  onnxAttend,
  onnxEmbedding,
  onnxFirstTokens,
  onnxInputs,
  onnxMeanOverTokens,
  onnxPaddingScores,
  onnxPerToken,
  onnxPlaces,
} from './onnx-blocks.ts';
import { type Activation, OnnxBuilder, type Tensors } from './onnx-builder.ts';

/** What decides the graph of a ModernBERT classifier. */
export interface ModernBertGraph {
  /** One entry a layer. */
  readonly layers: readonly LayerKind[];
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly classCount: number;
  readonly epsilon: number;
  readonly activation: Activation;
  readonly headActivation: Activation;
  /** none: the head reads every token. */
  readonly pooling: 'mean' | 'cls' | 'none';
  /** Or the table that is the decoder, whose classes are the vocabulary, and its bias. */
  readonly decoder: 'classifier' | { readonly words: string; readonly bias?: string };
  /** Which parts have biases; the classifier always has one. */
  readonly biases: {
    readonly attention: boolean;
    readonly mlp: boolean;
    readonly norm: boolean;
    readonly head: boolean;
  };
}

/** How the tokens of a layer see each other. */
export interface LayerKind {
  /** Base of the rotary frequencies. */
  readonly theta: number;
  /** Farthest token that is seen on each side; undefined: all are. */
  readonly reach: number | undefined;
}

/** The forward pass of `modernbert.ts` and its larger kin as an ONNX file, for any batch size and length. */
export function modernBertOnnx(graph: ModernBertGraph, tensors: Tensors): Uint8Array {
  const { hiddenSize, biases, epsilon } = graph;
  const builder = new OnnxBuilder(tensors);
  const norm = (x: string, name: string) =>
    builder.layerNorm(x, name, { bias: biases.norm, epsilon });
  const inputs = onnxInputs(builder);
  const batches = sharedByLayers(builder, inputs, graph);

  const tokens = onnxEmbedding(builder, 'model.embeddings.tok_embeddings.weight');
  const rows = builder.reshape(tokens, builder.ints([-1, hiddenSize]));
  let x = norm(rows, 'model.embeddings.norm');
  for (const [index, batch] of batches.entries()) {
    const prefix = `model.layers.${index}`;
    const layer = { prefix, batch, graph };
    // The embeddings are normalised already: Hugging Face has no attn_norm in layer 0.
    const normalised = index === 0 ? x : norm(x, `${prefix}.attn_norm`);
    x = builder.add('Add', [x, attention(builder, normalised, layer)]);
    x = builder.add('Add', [x, feedForward(builder, norm(x, `${prefix}.mlp_norm`), layer)]);
  }
  const normalised = norm(x, 'model.final_norm');
  const pooled = pool(builder, normalised, inputs, graph);
  const dense = builder.linear(pooled, 'head.dense', { bias: biases.head });
  const activated = builder.activate(dense, graph.headActivation);
  const answered = norm(activated, 'head.norm');
  const logits =
    graph.decoder === 'classifier'
      ? builder.linear(answered, 'classifier', { bias: true })
      : builder.tied(answered, graph.decoder.words, graph.decoder.bias);
  if (graph.pooling !== 'none') return builder.finish(logits, graph.classCount);
  return builder.finish(onnxPerToken(builder, logits, inputs, graph), graph.classCount, 'token');
}

function pool(
  builder: OnnxBuilder,
  x: string,
  inputs: OnnxInputs,
  { pooling, hiddenSize }: ModernBertGraph,
): string {
  switch (pooling) {
    case 'mean':
      return onnxMeanOverTokens(builder, x, inputs, hiddenSize);
    case 'cls':
      return onnxFirstTokens(builder, x, inputs, hiddenSize);
    case 'none':
      return x;
    default:
      return pooling satisfies never;
  }
}

interface SharedByLayers {
  /** Added to the scores: [batch, 1, 1, keys], or [batch, 1, queries, keys] where the reach ends. */
  readonly padding: string;
  /** int64 [4]: batch, sequence, heads, headSize. */
  readonly partedShape: string;
  /** [sequence, headSize] */
  readonly cos: string;
  readonly sin: string;
  /** 1 / sqrt(headSize) */
  readonly scale: number;
}

/** What each layer needs of the batch; layers of a kind share it. */
function sharedByLayers(
  builder: OnnxBuilder,
  inputs: OnnxInputs,
  { hiddenSize, heads, layers }: ModernBertGraph,
): SharedByLayers[] {
  const headSize = hiddenSize / heads;
  const padding = onnxPaddingScores(builder, inputs);
  const parts = builder.ints([heads, headSize]);
  const partedShape = builder.concat([inputs.batchShape, parts], 0);
  const kinds = new Map<string, SharedByLayers>();
  return layers.map(({ theta, reach }) => {
    const key = `${theta} ${reach}`;
    const shared = kinds.get(key) ?? {
      padding:
        reach === undefined
          ? padding
          : builder.add('Add', [padding, distantScores(builder, inputs, reach)]),
      partedShape,
      scale: 1 / Math.sqrt(headSize),
      ...rotation(builder, inputs, { headSize, theta }),
    };
    kinds.set(key, shared);
    return shared;
  });
}

/** [queries, keys]: 0 within reach, -1e9 beyond. */
function distantScores(builder: OnnxBuilder, inputs: OnnxInputs, reach: number): string {
  const places = onnxPlaces(builder, inputs);
  const [rows, columns] = [builder.ints([1]), builder.ints([0])].map((axis) =>
    builder.add('Unsqueeze', [places, axis]),
  ) as [string, string];
  const distance = builder.add('Abs', [builder.add('Sub', [rows, columns])]);
  const isBeyond = builder.add('Greater', [distance, builder.scalar(reach)]);
  const beyond = builder.add('Cast', [isBeyond], { to: { int: FLOAT } });
  return builder.add('Mul', [beyond, builder.scalar(-1e9)]);
}

/** cos and sin are computed from the length of the input: no table that would limit it. */
function rotation(
  builder: OnnxBuilder,
  inputs: OnnxInputs,
  { headSize, theta }: { readonly headSize: number; readonly theta: number },
): { cos: string; sin: string } {
  const frequencies = Array.from(rotaryFrequencies(headSize, theta));
  const signs = [...frequencies.map(() => -1), ...frequencies.map(() => 1)];
  const angles = builder.add('Mul', [
    builder.add('Unsqueeze', [onnxPlaces(builder, inputs), builder.ints([1])]),
    builder.floats([...frequencies, ...frequencies]),
  ]); // [sequence, headSize]
  return {
    cos: builder.add('Cos', [angles]),
    sin: builder.add('Mul', [builder.add('Sin', [angles]), builder.floats(signs)]),
  };
}

interface Layer {
  readonly prefix: string;
  readonly batch: SharedByLayers;
  readonly graph: ModernBertGraph;
}

/** In rank 4: ONNX Runtime folds the scale and the keys' transpose into the product, and copies less. */
function attention(builder: OnnxBuilder, x: string, { prefix, batch, graph }: Layer): string {
  const { padding, partedShape, cos, sin, scale } = batch;
  const { hiddenSize, heads, biases } = graph;
  const half = hiddenSize / heads / 2;
  const fused = builder.linear(x, `${prefix}.attn.Wqkv`, { bias: biases.attention });
  const parts = builder.split(fused, [hiddenSize, hiddenSize, hiddenSize], 1);
  const [query, key, value] = parts.map((rows) =>
    builder.transpose(builder.reshape(rows, partedShape), [0, 2, 1, 3]),
  ) as [string, string, string];
  const turned = (unturned: string) => {
    const [first, second] = builder.split(unturned, [half, half], -1) as [string, string];
    return builder.add('Add', [
      builder.add('Mul', [unturned, cos]),
      builder.add('Mul', [builder.concat([second, first], -1), sin]),
    ]);
  };
  const context = onnxAttend(
    builder,
    { query: turned(query), key: turned(key), value },
    { padding, scale },
  );
  const sideBySide = builder.transpose(context, [0, 2, 1, 3]);
  const rows = builder.reshape(sideBySide, builder.ints([-1, hiddenSize]));
  return builder.linear(rows, `${prefix}.attn.Wo`, { bias: biases.attention });
}

function feedForward(builder: OnnxBuilder, x: string, { prefix, graph }: Layer): string {
  const { intermediateSize, biases, activation } = graph;
  const wide = builder.linear(x, `${prefix}.mlp.Wi`, { bias: biases.mlp });
  const halves = builder.split(wide, [intermediateSize, intermediateSize], 1);
  const [input, gate] = halves as [string, string];
  const gated = builder.add('Mul', [builder.activate(input, activation), gate]);
  return builder.linear(gated, `${prefix}.mlp.Wo`, { bias: biases.mlp });
}

/** Names of ModernBertForMaskedLM's decoder, which has the words' own weights. */
export const MODERNBERT_DECODER = {
  words: 'model.embeddings.tok_embeddings.weight',
  bias: 'decoder.bias',
} as const;
