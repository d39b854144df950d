import {
  INT64,
  type OnnxInputs,
  onnxAttend,
  onnxEmbedding,
  onnxFirstTokens,
  onnxInputs,
  onnxPaddingScores,
  onnxPerToken,
} from './onnx-blocks.ts';
import { type Activation, OnnxBuilder, type Tensors } from './onnx-builder.ts';

/** What decides the graph of a classifier of BERT's family: post-norm, learned positions, [CLS] pooled. */
export interface BertGraph {
  readonly names: BertNames;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly classCount: number;
  readonly epsilon: number;
  readonly activation: Activation;
  /** Whether the classifier reads the pooled [CLS] or every token, or the table of words is the decoder. */
  readonly head: 'text' | 'token' | 'vocabulary';
  /** Of the dense layer between [CLS] and the classifier, or before the decoder. */
  readonly headActivation: Activation;
  /** Whether the type of a token is an input, always the first one, or no part of the model. */
  readonly tokenTypes: 'input' | 'first' | 'none';
  /** Undefined: positions are 0, 1, 2, ... Else (RoBERTa) padding has this one, and tokens count on from it. */
  readonly paddingPosition: number | undefined;
}

/** How a model calls its parameters: whole names, and names within a layer. */
export interface BertNames {
  readonly embeddings: string;
  layer(index: number): string;
  readonly query: string;
  readonly key: string;
  readonly value: string;
  readonly attended: string;
  readonly attendedNorm: string;
  readonly wide: string;
  readonly narrow: string;
  readonly narrowNorm: string;
  readonly headDense: string;
  readonly classifier: string;
  readonly decoder: DecoderNames;
}

/** Parameters of a masked language model's head; `own` is its table where it is not that of the words. */
export interface DecoderNames {
  readonly words: string;
  readonly own: string;
  readonly dense: string;
  readonly norm: string;
  readonly bias: string;
}

/** The forward pass of `bert.ts` and its relatives as an ONNX file, for any batch size and length. */
export function bertOnnx(graph: BertGraph, tensors: Tensors): Uint8Array {
  const builder = new OnnxBuilder(tensors);
  const inputs = onnxInputs(builder);
  const padding = onnxPaddingScores(builder, inputs);
  let x = embeddings(builder, inputs, graph);
  for (let index = 0; index < graph.layers; index++) {
    const last = index === graph.layers - 1 && graph.head === 'text';
    // Where one answer is given only [CLS] leaves the last layer: only its row is computed there.
    const queries = last ? onnxFirstTokens(builder, x, inputs, graph.hiddenSize) : x;
    const layer = { prefix: graph.names.layer(index), padding, inputs, last, graph };
    x = feedForward(builder, attention(builder, { queries, x }, layer), layer);
  }
  const { headDense, classifier } = graph.names;
  if (graph.head !== 'text') {
    const logits =
      graph.head === 'token'
        ? builder.linear(x, classifier, { bias: true })
        : decoded(builder, x, graph);
    return builder.finish(onnxPerToken(builder, logits, inputs, graph), graph.classCount, 'token');
  }
  const dense = builder.linear(x, headDense, { bias: true });
  const pooled = builder.activate(dense, graph.headActivation);
  return builder.finish(builder.linear(pooled, classifier, { bias: true }), graph.classCount);
}

function decoded(builder: OnnxBuilder, x: string, graph: BertGraph): string {
  const { words, dense, norm: normName, bias } = graph.names.decoder;
  const transformed = builder.linear(x, dense, { bias: true });
  const activated = builder.activate(transformed, graph.headActivation);
  return builder.tied(norm(builder, activated, normName, graph), words, bias);
}

interface Layer {
  readonly prefix: string;
  readonly padding: string;
  readonly inputs: OnnxInputs;
  readonly last: boolean;
  readonly graph: BertGraph;
}

/** Normalised rows [batch * sequence, hidden]. */
function embeddings(builder: OnnxBuilder, inputs: OnnxInputs, graph: BertGraph): string {
  const { names, hiddenSize } = graph;
  const words = onnxEmbedding(builder, `${names.embeddings}.word_embeddings.weight`);
  const positions = positionRows(builder, inputs, graph);
  const types = typeRows(builder, graph);
  const places = types === undefined ? positions : builder.add('Add', [positions, types]);
  const sum = builder.add('Add', [words, places]);
  const rows = builder.reshape(sum, builder.ints([-1, hiddenSize]));
  return norm(builder, rows, `${names.embeddings}.LayerNorm`, graph);
}

/** [sequence, hidden], or [batch, sequence, hidden] where positions depend on the tokens. */
function positionRows(
  builder: OnnxBuilder,
  { sequence }: OnnxInputs,
  { names, paddingPosition }: BertGraph,
): string {
  const first = builder.ints([0]);
  const table = builder.weight(`${names.embeddings}.position_embeddings.weight`);
  if (paddingPosition === undefined) {
    return builder.add('Slice', [table, first, sequence, builder.ints([0])]);
  }
  // As RoBERTa does: by the id of padding, not by the mask.
  const padding = builder.ints([paddingPosition]);
  const isPadding = builder.add('Equal', ['input_ids', padding]);
  const isToken = builder.add('Cast', [builder.add('Not', [isPadding])], { to: { int: INT64 } });
  const axis = builder.add('Squeeze', [builder.ints([1])]);
  const counted = builder.add('Mul', [builder.add('CumSum', [isToken, axis]), isToken]);
  return builder.add('Gather', [table, builder.add('Add', [counted, padding])]);
}

function typeRows(builder: OnnxBuilder, { names, tokenTypes }: BertGraph): string | undefined {
  if (tokenTypes === 'none') return undefined;
  const table = builder.weight(`${names.embeddings}.token_type_embeddings.weight`);
  if (tokenTypes === 'input')
    return builder.add('Gather', [table, builder.input('token_type_ids')]);
  return builder.add('Slice', [table, builder.ints([0]), builder.ints([1]), builder.ints([0])]);
}

function attention(
  builder: OnnxBuilder,
  { queries, x }: { readonly queries: string; readonly x: string },
  { prefix, padding, inputs, last, graph }: Layer,
): string {
  const { hiddenSize, heads, names } = graph;
  const headSize = hiddenSize / heads;
  const allTokens = builder.concat([inputs.batchShape, builder.ints([heads, headSize])], 0);
  const oneToken = builder.ints([-1, 1, heads, headSize]);
  const projected = (rows: string, name: string, shape: string) => {
    const projection = builder.linear(rows, `${prefix}.${name}`, { bias: true });
    return builder.transpose(builder.reshape(projection, shape), [0, 2, 1, 3]);
  };
  const context = onnxAttend(
    builder,
    {
      query: projected(queries, names.query, last ? oneToken : allTokens),
      key: projected(x, names.key, allTokens),
      value: projected(x, names.value, allTokens),
    },
    { padding, scale: 1 / Math.sqrt(headSize) },
  );
  const sideBySide = builder.transpose(context, [0, 2, 1, 3]);
  const rows = builder.reshape(sideBySide, builder.ints([-1, hiddenSize]));
  const output = builder.linear(rows, `${prefix}.${names.attended}`, { bias: true });
  const sum = builder.add('Add', [queries, output]);
  return norm(builder, sum, `${prefix}.${names.attendedNorm}`, graph);
}

function feedForward(builder: OnnxBuilder, x: string, { prefix, graph }: Layer): string {
  const { names, activation } = graph;
  const dense = builder.linear(x, `${prefix}.${names.wide}`, { bias: true });
  const wide = builder.activate(dense, activation);
  const output = builder.linear(wide, `${prefix}.${names.narrow}`, { bias: true });
  const sum = builder.add('Add', [x, output]);
  return norm(builder, sum, `${prefix}.${names.narrowNorm}`, graph);
}

function norm(builder: OnnxBuilder, x: string, name: string, { epsilon }: BertGraph): string {
  return builder.layerNorm(x, name, { bias: true, epsilon });
}

/** BERT's own names, and RoBERTa's but for the head: `model` is `bert` or `roberta`. */
export function bertNames(
  model: string,
  head: Pick<BertNames, 'headDense' | 'classifier' | 'decoder'>,
): BertNames {
  return {
    embeddings: `${model}.embeddings`,
    layer: (index) => `${model}.encoder.layer.${index}`,
    query: 'attention.self.query',
    key: 'attention.self.key',
    value: 'attention.self.value',
    attended: 'attention.output.dense',
    attendedNorm: 'attention.output.LayerNorm',
    wide: 'intermediate.dense',
    narrow: 'output.dense',
    narrowNorm: 'output.LayerNorm',
    ...head,
  };
}

/** Names of BertForMaskedLM's head; its decoder has the words' own weights. */
export const BERT_DECODER = {
  words: 'bert.embeddings.word_embeddings.weight',
  own: 'cls.predictions.decoder.weight',
  dense: 'cls.predictions.transform.dense',
  norm: 'cls.predictions.transform.LayerNorm',
  bias: 'cls.predictions.bias',
} as const satisfies DecoderNames;

export const BERT_NAMES = bertNames('bert', {
  headDense: 'bert.pooler.dense',
  classifier: 'classifier',
  decoder: BERT_DECODER,
});
