import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { attend, paddingMask, type Rotation, rotate, rotationOf } from './attention.ts';
import { type Dropout, dropoutOf } from './dropout.ts';
import { MODERNBERT_EPSILON, MODERNBERT_THETA, modernBertConfig } from './hugging-face-config.ts';
import { MODERNBERT_DECODER, type ModernBertGraph, modernBertOnnx } from './modernbert-onnx.ts';
import { tensorsOf } from './onnx-builder.ts';
import { askedRows, embed, gelu, layerNorm, linear, meanOverTokens } from './operations.ts';
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
  const dropout = dropoutOf(tf, shape.dropout, inputs.dropoutSeed);
  const headSize = shape.hiddenSize / shape.heads;
  const batch: Batch = {
    inputs,
    mask: paddingMask(tf, inputs),
    rotation: rotationOf(tf, {
      length: inputs.sequenceLength,
      headSize,
      theta: MODERNBERT_THETA,
    }),
    dropout,
  };
  const tokens = embed(tf, parameterOf(named, WORDS), inputs.inputIds);
  let x: Tensor = dropout(norm(tokens, 'model.embeddings.norm'));
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    const normalised = layer === 0 ? x : norm(x, `${prefix}.attn_norm`);
    x = tf.add(x, attention(tf, named, normalised, { prefix, batch, shape }));
    x = tf.add(x, feedForward(tf, named, norm(x, `${prefix}.mlp_norm`), { prefix, dropout }));
  }
  const encoded = norm(x, 'model.final_norm');
  const pooled = answersTokens(shape)
    ? askedRows(tf, encoded, inputs.answerAt)
    : meanOverTokens(tf, encoded, inputs);
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
  readonly mask: Tensor;
  readonly rotation: Rotation;
  readonly dropout: Dropout;
}

function attention(
  tf: Tensorflow,
  named: NamedTensors,
  x: Tensor,
  layer: { readonly prefix: string; readonly batch: Batch; readonly shape: StudentShape },
): Tensor {
  const { inputs, mask, rotation, dropout } = layer.batch;
  const { heads, hiddenSize } = layer.shape;
  const { batchSize, sequenceLength } = inputs;
  const headSize = hiddenSize / heads;
  const perHead = [batchSize, heads, sequenceLength, headSize];

  const fused = linear(tf, x, parameterOf(named, `${layer.prefix}.attn.Wqkv.weight`));
  const parted = tf.transpose(
    tf.reshape(fused, [batchSize, sequenceLength, 3, heads, headSize]),
    [2, 0, 3, 1, 4], // [3, batch, heads, sequence, headSize]
  );
  const [queriesAndKeys, values] = tf.split(parted, [2, 1], 0) as [Tensor, Tensor];
  const [queries, keys] = tf.split(rotate(tf, queriesAndKeys, rotation), 2, 0) as [Tensor, Tensor];
  const context = attend(
    tf,
    {
      query: tf.reshape(queries, perHead),
      key: tf.reshape(keys, perHead),
      value: tf.reshape(values, perHead),
    },
    { mask, dropout },
  );
  return dropout(linear(tf, context, parameterOf(named, `${layer.prefix}.attn.Wo.weight`)));
}

/** GeGLU (Shazeer 2020): Wo (gelu(first half of Wi x) * second half). */
function feedForward(
  tf: Tensorflow,
  named: NamedTensors,
  x: Tensor,
  layer: { readonly prefix: string; readonly dropout: Dropout },
): Tensor {
  const wide = linear(tf, x, parameterOf(named, `${layer.prefix}.mlp.Wi.weight`));
  const [input, gate] = tf.split(wide, 2, 1) as [Tensor, Tensor];
  const gated = layer.dropout(tf.mul(gelu(tf, input), gate));
  return linear(tf, gated, parameterOf(named, `${layer.prefix}.mlp.Wo.weight`));
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
