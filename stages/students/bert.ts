import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { attend, paddingMask, splitHeads } from './attention.ts';
import { BERT_DECODER, BERT_NAMES, type BertGraph, bertOnnx } from './bert-onnx.ts';
import { type Dropout, dropoutOf } from './dropout.ts';
import { BERT_EPSILON, bertConfig, bertPositions } from './hugging-face-config.ts';
import { tensorsOf } from './onnx-builder.ts';
import { askedRows, embed, gelu, layerNorm, linear } from './operations.ts';
import {
  type Architecture,
  answersTokens,
  type ForwardInputs,
  type Initialisation,
  matrix,
  type NamedTensors,
  type ParameterSpec,
  parameterOf,
  type StudentShape,
  StudentShapeError,
  vector,
} from './student.ts';

/**
 * Hugging Face's BertForSequenceClassification: learned positions, post-norm, [CLS] through a tanh
 * pooler; or BertForTokenClassification, whose classifier reads every token as it leaves the last layer; or
 * BertForMaskedLM, whose decoder is the table of words. Every token has type 0: students read single texts and
 * pairs alike as one sequence.
 */
export const bert: Architecture = {
  name: 'bert',
  parameters,
  forward,
  config: bertConfig,
  onnx: (shape, weights) =>
    bertOnnx(graphOf(shape), tensorsOf(parameters(shape), weights, shape.taskHeads)),
};

function parameters(shape: StudentShape): ParameterSpec[] {
  checkHeads(shape);
  const { hiddenSize, vocabularySize } = shape;
  const positions = bertPositions(shape);
  return [
    matrix(WORDS, [vocabularySize, hiddenSize], START),
    matrix('bert.embeddings.position_embeddings.weight', [positions, hiddenSize], START),
    matrix('bert.embeddings.token_type_embeddings.weight', [TOKEN_TYPES, hiddenSize], START),
    ...normParameters('bert.embeddings.LayerNorm', hiddenSize),
    ...Array.from({ length: shape.layers }, (_, layer) => layerParameters(shape, layer)).flat(),
    ...headParameters(shape),
  ];
}

function headParameters({ hiddenSize, classCount, perToken, languageModel }: StudentShape) {
  const square = [hiddenSize, hiddenSize] as const;
  if (languageModel !== undefined) {
    return [
      vector(DECODER_BIAS, classCount, 'zeros'),
      ...linearParameters(DECODER_DENSE, square, START),
      ...normParameters(DECODER_NORM, hiddenSize),
    ];
  }
  return [
    ...(perToken ? [] : linearParameters('bert.pooler.dense', square, IDENTITY)),
    ...linearParameters('classifier', [classCount, hiddenSize], START),
  ];
}

function graphOf(shape: StudentShape): BertGraph {
  const { layers, hiddenSize, heads, classCount, perToken, languageModel } = shape;
  return {
    names: BERT_NAMES,
    layers,
    hiddenSize,
    heads,
    classCount,
    epsilon: BERT_EPSILON,
    activation: 'gelu',
    head: languageModel !== undefined ? 'vocabulary' : perToken ? 'token' : 'text',
    headActivation: languageModel !== undefined ? 'gelu' : 'tanh',
    tokenTypes: 'first',
    paddingPosition: undefined,
  };
}

function forward(
  tf: Tensorflow,
  named: NamedTensors,
  inputs: ForwardInputs,
  shape: StudentShape,
): Tensor2D {
  const dropout = dropoutOf(tf, shape.dropout, inputs);
  const batch: Batch = { inputs, mask: paddingMask(tf, inputs), dropout };
  let x: Tensor = dropout(embeddings(tf, named, inputs));
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `bert.encoder.layer.${layer}`;
    // Where one answer is given only [CLS] leaves the last layer: only its row is computed there.
    const onlyFirst = layer === shape.layers - 1 && !answersTokens(shape);
    const queries = onlyFirst ? firstTokens(tf, x, inputs) : x;
    const attended = attention(tf, named, { queries, x }, { prefix, batch, shape });
    x = feedForward(tf, named, attended, { prefix, dropout });
  }
  const answered = askedRows(tf, x, inputs.answerAt);
  if (answersTokens(shape)) inputs.onFeatures?.(answered as Tensor2D);
  if (shape.languageModel !== undefined) return decoded(tf, named, answered);
  if (shape.perToken) return linearOf(tf, named, dropout(answered), 'classifier');
  const pooled = tf.tanh(linearOf(tf, named, x, 'bert.pooler.dense'));
  inputs.onFeatures?.(pooled as Tensor2D);
  return linearOf(tf, named, dropout(pooled), 'classifier');
}

/** Logits of the words: one more dense layer, then the table of words as decoder. */
function decoded(tf: Tensorflow, named: NamedTensors, x: Tensor): Tensor2D {
  const dense = gelu(tf, linearOf(tf, named, x, DECODER_DENSE));
  const normalised = normOf(tf, named, dense, DECODER_NORM);
  return linear(tf, normalised, parameterOf(named, WORDS), parameterOf(named, DECODER_BIAS));
}

/** What all layers share in one forward pass. */
interface Batch {
  readonly inputs: ForwardInputs;
  readonly mask: Tensor;
  readonly dropout: Dropout;
}

function embeddings(tf: Tensorflow, named: NamedTensors, inputs: ForwardInputs): Tensor {
  const { batchSize, sequenceLength } = inputs;
  const words = embed(tf, parameterOf(named, WORDS), inputs);
  const width = words.shape[1];
  const positions = tf.slice(
    parameterOf(named, 'bert.embeddings.position_embeddings.weight'),
    [0, 0],
    [sequenceLength, width],
  );
  const firstType = tf.slice(
    parameterOf(named, 'bert.embeddings.token_type_embeddings.weight'),
    [0, 0],
    [1, width],
  );
  const sum = tf.add(
    tf.reshape(words, [batchSize, sequenceLength, width]),
    tf.add(positions, firstType),
  );
  const rows = tf.reshape(sum, [batchSize * sequenceLength, width]);
  return normOf(tf, named, rows, 'bert.embeddings.LayerNorm');
}

function firstTokens(tf: Tensorflow, x: Tensor, inputs: ForwardInputs): Tensor {
  const { batchSize, sequenceLength } = inputs;
  const width = x.size / (batchSize * sequenceLength);
  const rows = tf.reshape(x, [batchSize, sequenceLength * width]);
  return tf.slice(rows, [0, 0], [batchSize, width]);
}

/** Attention of the queries to all tokens, with its residual and norm: [queries, hidden]. */
function attention(
  tf: Tensorflow,
  named: NamedTensors,
  { queries, x }: { readonly queries: Tensor; readonly x: Tensor },
  layer: { readonly prefix: string; readonly batch: Batch; readonly shape: StudentShape },
): Tensor {
  const { inputs, mask, dropout } = layer.batch;
  const { heads, hiddenSize } = layer.shape;
  const projected = (rows: Tensor, name: 'query' | 'key' | 'value') => {
    const length = rows.size / (inputs.batchSize * hiddenSize);
    const projection = linearOf(tf, named, rows, `${layer.prefix}.attention.self.${name}`);
    return splitHeads(tf, projection, { batchSize: inputs.batchSize, length, heads });
  };
  const context = attend(
    tf,
    { query: projected(queries, 'query'), key: projected(x, 'key'), value: projected(x, 'value') },
    { mask, scale: 1 / Math.sqrt(hiddenSize / heads), dropout },
  );
  const output = dropout(linearOf(tf, named, context, `${layer.prefix}.attention.output.dense`));
  return normOf(tf, named, tf.add(queries, output), `${layer.prefix}.attention.output.LayerNorm`);
}

function feedForward(
  tf: Tensorflow,
  named: NamedTensors,
  x: Tensor,
  layer: { readonly prefix: string; readonly dropout: Dropout },
): Tensor {
  const wide = gelu(tf, linearOf(tf, named, x, `${layer.prefix}.intermediate.dense`));
  const output = layer.dropout(linearOf(tf, named, wide, `${layer.prefix}.output.dense`));
  return normOf(tf, named, tf.add(x, output), `${layer.prefix}.output.LayerNorm`);
}

function linearOf(tf: Tensorflow, named: NamedTensors, x: Tensor, name: string): Tensor2D {
  return linear(tf, x, parameterOf(named, `${name}.weight`), parameterOf(named, `${name}.bias`));
}

function normOf(tf: Tensorflow, named: NamedTensors, x: Tensor, name: string): Tensor2D {
  return layerNorm(tf, x, {
    gain: parameterOf(named, `${name}.weight`),
    bias: parameterOf(named, `${name}.bias`),
    epsilon: BERT_EPSILON,
  });
}

function layerParameters(shape: StudentShape, layer: number): ParameterSpec[] {
  const { hiddenSize, intermediateSize } = shape;
  const prefix = `bert.encoder.layer.${layer}`;
  const square = [hiddenSize, hiddenSize] as const;
  return [
    ...linearParameters(`${prefix}.attention.self.query`, square, START),
    ...linearParameters(`${prefix}.attention.self.key`, square, START),
    ...linearParameters(`${prefix}.attention.self.value`, square, IDENTITY),
    ...linearParameters(`${prefix}.attention.output.dense`, square, IDENTITY),
    ...normParameters(`${prefix}.attention.output.LayerNorm`, hiddenSize),
    ...linearParameters(`${prefix}.intermediate.dense`, [intermediateSize, hiddenSize], START),
    ...linearParameters(`${prefix}.output.dense`, [hiddenSize, intermediateSize], START),
    ...normParameters(`${prefix}.output.LayerNorm`, hiddenSize),
  ];
}

function linearParameters(
  name: string,
  size: readonly [number, number],
  init: Initialisation,
): ParameterSpec[] {
  return [matrix(`${name}.weight`, size, init), vector(`${name}.bias`, size[0], 'zeros')];
}

function normParameters(name: string, size: number): ParameterSpec[] {
  return [vector(`${name}.weight`, size, 'ones'), vector(`${name}.bias`, size, 'zeros')];
}

function checkHeads({ hiddenSize, heads }: StudentShape): void {
  if (hiddenSize % heads === 0) return;
  throw new StudentShapeError(
    'bert',
    `hiddenSize ${hiddenSize} cannot be divided among ${heads} heads`,
    'set hiddenSize to a multiple of heads',
  );
}

/** Hugging Face's start, all but for the parameters below. */
const START: Initialisation = { kind: 'normal', std: 0.02 };

/**
 * Start of W_V, W_O and the pooler: [CLS] then begins as a mean of the tokens. From Hugging Face's
 * random start a BERT of this size stays below 77 % on banking77, from this one it reaches 88-89 %.
 */
const IDENTITY: Initialisation = { kind: 'identity' };

const TOKEN_TYPES = 2;

const { words: WORDS, dense: DECODER_DENSE, norm: DECODER_NORM, bias: DECODER_BIAS } = BERT_DECODER;
