import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { attend, paddingMask, pairedRows, type Rotation, rotate, rotationOf } from './attention.ts';
import { type Dropout, dropoutOf, NO_DROPOUT } from './dropout.ts';
import { onceABatch } from './halves.ts';
import { MODERNBERT_EPSILON, MODERNBERT_THETA, modernBertConfig } from './hugging-face-config.ts';
import { MODERNBERT_DECODER, type ModernBertGraph, modernBertOnnx } from './modernbert-onnx.ts';
import { tensorsOf } from './onnx-builder.ts';
import { askedRows, embed, geglu, gelu, layerNorm, linear, meanOverTokens } from './operations.ts';
import { type ResidualStream, residualStream } from './residual-stream.ts';
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
 * Hugging Face's ModernBertForSequenceClassification (Warner et al. 2024) with mean pooling,
 * ModernBertForTokenClassification, whose head reads every token, or ModernBertForMaskedLM, whose decoder is the
 * table of words; global attention in every layer: rotary positions, pre-norm, GeGLU, no biases but the classifier's.
 */
export const modernBert: Architecture = {
  name: 'modernbert',
  parameters,
  forward,
  config: modernBertConfig,
  onnx: (shape, weights) =>
    modernBertOnnx(graphOf(shape), tensorsOf(parameters(shape), weights, shape.taskHeads)),
};

function parameters(shape: StudentShape): ParameterSpec[] {
  checkHeads(shape);
  const { hiddenSize, intermediateSize, vocabularySize, classCount } = shape;
  const starts = startsOf(shape);
  return [
    matrix(WORDS, [vocabularySize, hiddenSize], starts.in),
    vector('model.embeddings.norm.weight', hiddenSize, 'ones'),
    ...Array.from({ length: shape.layers }, (_, layer) => {
      const prefix = `model.layers.${layer}`;
      return [
        // The embeddings are normalised already: Hugging Face has no attn_norm in layer 0.
        ...(layer === 0 ? [] : [vector(`${prefix}.attn_norm.weight`, hiddenSize, 'ones')]),
        matrix(`${prefix}.attn.Wqkv.weight`, [3 * hiddenSize, hiddenSize], starts.in),
        matrix(`${prefix}.attn.Wo.weight`, [hiddenSize, hiddenSize], starts.out),
        vector(`${prefix}.mlp_norm.weight`, hiddenSize, 'ones'),
        matrix(`${prefix}.mlp.Wi.weight`, [2 * intermediateSize, hiddenSize], starts.in),
        matrix(`${prefix}.mlp.Wo.weight`, [hiddenSize, intermediateSize], starts.out),
      ];
    }).flat(),
    vector('model.final_norm.weight', hiddenSize, 'ones'),
    matrix('head.dense.weight', [hiddenSize, hiddenSize], starts.out),
    vector('head.norm.weight', hiddenSize, 'ones'),
    ...(shape.languageModel === undefined
      ? [
          matrix('classifier.weight', [classCount, hiddenSize], starts.classifier),
          vector('classifier.bias', classCount, 'zeros'),
        ]
      : [vector(DECODER_BIAS, classCount, 'zeros')]),
  ];
}

function graphOf(shape: StudentShape): ModernBertGraph {
  const { hiddenSize, heads, intermediateSize, classCount } = shape;
  const layer = { theta: MODERNBERT_THETA, reach: undefined };
  return {
    layers: Array.from({ length: shape.layers }, () => layer),
    hiddenSize,
    heads,
    intermediateSize,
    classCount,
    epsilon: MODERNBERT_EPSILON,
    activation: 'gelu',
    headActivation: 'gelu',
    pooling: answersTokens(shape) ? 'none' : 'mean',
    decoder: shape.languageModel === undefined ? 'classifier' : MODERNBERT_DECODER,
    biases: { attention: false, mlp: false, norm: false, head: false },
  };
}

function forward(
  tf: Tensorflow,
  named: NamedTensors,
  inputs: ForwardInputs,
  shape: StudentShape,
): Tensor2D {
  const norm = normOf(tf, named);
  const dropout = dropoutOf(tf, shape.dropout, inputs);
  const headSize = shape.hiddenSize / shape.heads;
  const stream = residualStream(tf, named, {
    isCentred: dropout === NO_DROPOUT,
    epsilon: MODERNBERT_EPSILON,
    half: inputs.half,
  });
  const batch: Batch = {
    inputs,
    stream,
    mask: paddingMask(tf, inputs),
    rotation: rotationOf(tf, {
      length: inputs.sequenceLength,
      headSize,
      theta: MODERNBERT_THETA,
    }),
    dropout,
  };
  const words = embed(tf, parameterOf(named, WORDS), inputs);
  const tokens = dropout(norm(words, 'model.embeddings.norm'));
  let x = stream.begin(tokens);
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    // The embeddings are normalised already: layer 0 has no attn_norm and reads them as they are.
    const read = layer === 0 ? tokens : stream.normalise(x);
    x = tf.add(x, attention(tf, named, read, { prefix, batch, shape }));
    x = tf.add(x, feedForward(tf, named, stream.normalise(x), { prefix, batch }));
  }
  const encoded = stream.normalise(x);
  const read = answersTokens(shape)
    ? askedRows(tf, encoded, inputs.answerAt)
    : meanOverTokens(tf, encoded, inputs);
  // The gain of final_norm, after the mean: it is one of each column.
  const pooled = tf.mul(read, parameterOf(named, 'model.final_norm.weight'));
  const dense = gelu(tf, linear(tf, pooled, parameterOf(named, 'head.dense.weight')));
  const answered = norm(dense, 'head.norm') as Tensor2D;
  inputs.onFeatures?.(answered);
  if (shape.languageModel !== undefined) {
    return linear(tf, answered, parameterOf(named, WORDS), parameterOf(named, DECODER_BIAS));
  }
  return linear(
    tf,
    dropout(answered),
    parameterOf(named, 'classifier.weight'),
    parameterOf(named, 'classifier.bias'),
  );
}

/** What all layers share in one forward pass. */
interface Batch {
  readonly inputs: ForwardInputs;
  readonly stream: ResidualStream;
  readonly mask: Tensor;
  readonly rotation: Rotation;
  readonly dropout: Dropout;
}

/** Of normalised rows; the norm's gain is taken into the weights. */
function attention(
  tf: Tensorflow,
  named: NamedTensors,
  read: Tensor,
  layer: { readonly prefix: string; readonly batch: Batch; readonly shape: StudentShape },
): Tensor {
  const { inputs, stream, mask, rotation, dropout } = layer.batch;
  const { heads, hiddenSize } = layer.shape;
  const { batchSize, sequenceLength } = inputs;
  const headSize = hiddenSize / heads;
  const perHead = [batchSize, heads, sequenceLength, headSize];

  const gain = named[`${layer.prefix}.attn_norm.weight`];
  const [weight] = onceABatch(inputs.half, `${layer.prefix}.attn.Wqkv`, () => {
    const rows = parameterOf(named, `${layer.prefix}.attn.Wqkv.weight`);
    const scaled = gain === undefined ? rows : tf.mul(rows, gain);
    return [pairedRows(tf, scaled, { hiddenSize, headSize })];
  }) as [Tensor];
  const fused = linear(tf, read, weight);
  const parted = tf.transpose(
    tf.reshape(fused, [batchSize, sequenceLength, 3, heads, headSize]),
    [2, 0, 3, 1, 4], // [3, batch, heads, sequence, headSize]
  );
  const [query, key, value] = tf.split(parted, 3, 0).map((part) => tf.reshape(part, perHead)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const context = attend(
    tf,
    { query: rotate(tf, query, rotation), key: rotate(tf, key, rotation), value },
    { mask, dropout },
  );
  return dropout(linear(tf, context, stream.weight(`${layer.prefix}.attn.Wo.weight`)));
}

/** Wo geglu(Wi x) of normalised rows; the norm's gain and the division of geglu are taken into the weights. */
function feedForward(
  tf: Tensorflow,
  named: NamedTensors,
  normalised: Tensor,
  layer: { readonly prefix: string; readonly batch: Batch },
): Tensor {
  const { inputs, stream, dropout } = layer.batch;
  const gain = parameterOf(named, `${layer.prefix}.mlp_norm.weight`);
  const weights = onceABatch(inputs.half, `${layer.prefix}.mlp.Wi`, () => {
    const rows = parameterOf(named, `${layer.prefix}.mlp.Wi.weight`);
    return tf.split(tf.mul(rows, tf.mul(gain, Math.SQRT1_2)), 2, 0);
  });
  const [input, gate] = weights.map((weight) => linear(tf, normalised, weight)) as [
    Tensor2D,
    Tensor2D,
  ];
  const gated = dropout(geglu(tf, input, gate));
  return linear(tf, gated, stream.weight(`${layer.prefix}.mlp.Wo.weight`));
}

function normOf(tf: Tensorflow, named: NamedTensors): (x: Tensor, name: string) => Tensor {
  return (x, name) =>
    layerNorm(tf, x, {
      gain: parameterOf(named, `${name}.weight`),
      epsilon: MODERNBERT_EPSILON,
    });
}

/**
 * Hugging Face's start: normal, cut off at two standard deviations (initializer_cutoff_factor 2.0);
 * 0.02, smaller for what is added to the residual stream, 1 / sqrt(width) for the classifier.
 */
function startsOf({ layers, hiddenSize }: StudentShape): Record<Start, Initialisation> {
  const start = (std: number): Initialisation => ({ kind: 'normal', std, cutoff: 2 });
  return {
    in: start(0.02),
    out: start(0.02 / Math.sqrt(2 * layers)),
    classifier: start(hiddenSize ** -0.5),
  };
}

type Start = 'in' | 'out' | 'classifier';

function checkHeads({ hiddenSize, heads }: StudentShape): void {
  if (hiddenSize % (2 * heads) === 0) return;
  throw new StudentShapeError(
    'modernbert',
    `hiddenSize ${hiddenSize} over ${heads} heads gives no even head size for rotary positions`,
    'set hiddenSize to a multiple of 2 x heads',
  );
}

const { words: WORDS, bias: DECODER_BIAS } = MODERNBERT_DECODER;
