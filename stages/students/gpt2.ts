import type { Tensor, Tensor2D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import { attend, splitHeads } from './attention.ts';
import { type Dropout, dropoutOf } from './dropout.ts';
import { gpt2Onnx } from './gpt2-onnx.ts';
import { bertPositions, GPT2_EPSILON, gpt2Config } from './hugging-face-config.ts';
import { tensorsOf } from './onnx-builder.ts';
import { askedRows, embed, layerNorm, linear, product, tanhGelu } from './operations.ts';
import {
  type Architecture,
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
 * Hugging Face's GPT2LMHeadModel (Radford et al. 2019): learned positions, pre-norm, the tanh form of GELU, each
 * token sees itself and those before it, and the table of words is the decoder. Matrices are [in, out].
 */
export const gpt2: Architecture = {
  name: 'gpt2',
  parameters,
  forward,
  config: gpt2Config,
  onnx: (shape, weights) =>
    gpt2Onnx({ ...shape, epsilon: GPT2_EPSILON }, tensorsOf(parameters(shape), weights)),
};

function parameters(shape: StudentShape): ParameterSpec[] {
  checkShape(shape);
  const { hiddenSize, vocabularySize } = shape;
  return [
    matrix(WORDS, [vocabularySize, hiddenSize], START),
    matrix(POSITIONS, [bertPositions(shape), hiddenSize], START),
    ...Array.from({ length: shape.layers }, (_, layer) => layerParameters(shape, layer)).flat(),
    ...normParameters('transformer.ln_f', hiddenSize),
  ];
}

function layerParameters(shape: StudentShape, layer: number): ParameterSpec[] {
  const { hiddenSize, intermediateSize, layers } = shape;
  const prefix = `transformer.h.${layer}`;
  // Smaller for what is added to the residual stream: two sums a layer.
  const residual: Initialisation = { kind: 'normal', std: 0.02 / Math.sqrt(2 * layers) };
  return [
    ...normParameters(`${prefix}.ln_1`, hiddenSize),
    ...productParameters(`${prefix}.attn.c_attn`, [hiddenSize, 3 * hiddenSize], START),
    ...productParameters(`${prefix}.attn.c_proj`, [hiddenSize, hiddenSize], residual),
    ...normParameters(`${prefix}.ln_2`, hiddenSize),
    ...productParameters(`${prefix}.mlp.c_fc`, [hiddenSize, intermediateSize], START),
    ...productParameters(`${prefix}.mlp.c_proj`, [intermediateSize, hiddenSize], residual),
  ];
}

function forward(
  tf: Tensorflow,
  named: NamedTensors,
  inputs: ForwardInputs,
  shape: StudentShape,
): Tensor2D {
  const dropout = dropoutOf(tf, shape.dropout, inputs);
  const batch: Batch = { inputs, mask: futureMask(tf, inputs.sequenceLength), dropout };
  const norm = normOf(tf, named);
  let x: Tensor = dropout(embeddings(tf, named, inputs));
  for (let layer = 0; layer < shape.layers; layer++) {
    const prefix = `transformer.h.${layer}`;
    x = tf.add(x, attention(tf, named, norm(x, `${prefix}.ln_1`), { prefix, batch, shape }));
    x = tf.add(x, feedForward(tf, named, norm(x, `${prefix}.ln_2`), { prefix, dropout }));
  }
  const answered = askedRows(tf, x, inputs.answerAt);
  const read = norm(answered, 'transformer.ln_f') as Tensor2D;
  inputs.onFeatures?.(read);
  return linear(tf, read, parameterOf(named, WORDS));
}

/** What all layers share in one forward pass. */
interface Batch {
  readonly inputs: ForwardInputs;
  readonly mask: Tensor;
  readonly dropout: Dropout;
}

/** Added to the scores [.., queries, keys]: padding stands behind every token, so that it needs no mask of its own. */
function futureMask(tf: Tensorflow, length: number): Tensor {
  const mask = Float32Array.from({ length: length * length }, (_, cell) =>
    cell % length > Math.floor(cell / length) ? BEHIND : 0,
  );
  return tf.tensor(mask, [1, 1, length, length]);
}

function embeddings(tf: Tensorflow, named: NamedTensors, inputs: ForwardInputs): Tensor {
  const { batchSize, sequenceLength } = inputs;
  const words = embed(tf, parameterOf(named, WORDS), inputs);
  const width = words.shape[1];
  const positions = tf.slice(parameterOf(named, POSITIONS), [0, 0], [sequenceLength, width]);
  const sum = tf.add(tf.reshape(words, [batchSize, sequenceLength, width]), positions);
  return tf.reshape(sum, [batchSize * sequenceLength, width]);
}

function attention(
  tf: Tensorflow,
  named: NamedTensors,
  x: Tensor,
  { prefix, batch, shape }: Layer & { readonly batch: Batch; readonly shape: StudentShape },
): Tensor {
  const { inputs, mask, dropout } = batch;
  const { heads, hiddenSize } = shape;
  const sizes = { batchSize: inputs.batchSize, length: inputs.sequenceLength, heads };
  const fused = productOf(tf, named, x, `${prefix}.attn.c_attn`);
  const [query, ...others] = tf.split(fused, 3, 1) as [Tensor, Tensor, Tensor];
  // Not in the scores, and not beside their product: TensorFlow would make one operation of product, scale and mask, and with the
  // mask of a causal model oneDNN has for it its reference code alone, which takes ten times as long as all the rest.
  const scaled = tf.mul(query, 1 / Math.sqrt(hiddenSize / heads));
  const [asking, key, value] = [scaled, ...others].map((part) => splitHeads(tf, part, sizes)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const context = attend(tf, { query: asking, key, value }, { mask, dropout });
  return dropout(productOf(tf, named, context, `${prefix}.attn.c_proj`));
}

function feedForward(
  tf: Tensorflow,
  named: NamedTensors,
  x: Tensor,
  { prefix, dropout }: Layer & { readonly dropout: Dropout },
): Tensor {
  const wide = tanhGelu(tf, productOf(tf, named, x, `${prefix}.mlp.c_fc`));
  return dropout(productOf(tf, named, wide, `${prefix}.mlp.c_proj`));
}

interface Layer {
  readonly prefix: string;
}

function productOf(tf: Tensorflow, named: NamedTensors, x: Tensor, name: string): Tensor2D {
  return product(tf, x, parameterOf(named, `${name}.weight`), parameterOf(named, `${name}.bias`));
}

function normOf(tf: Tensorflow, named: NamedTensors): (x: Tensor, name: string) => Tensor {
  return (x, name) =>
    layerNorm(tf, x, {
      gain: parameterOf(named, `${name}.weight`),
      bias: parameterOf(named, `${name}.bias`),
      epsilon: GPT2_EPSILON,
    });
}

function productParameters(
  name: string,
  size: readonly [number, number],
  init: Initialisation,
): ParameterSpec[] {
  return [matrix(`${name}.weight`, size, init), vector(`${name}.bias`, size[1], 'zeros')];
}

function normParameters(name: string, size: number): ParameterSpec[] {
  return [vector(`${name}.weight`, size, 'ones'), vector(`${name}.bias`, size, 'zeros')];
}

function checkShape({ hiddenSize, heads, languageModel }: StudentShape): void {
  if (languageModel !== 'causal') {
    throw new StudentShapeError(
      'gpt2',
      'it says which token follows, and the task asks for something else',
      'set student.architecture: modernbert, or task: causal-lm',
    );
  }
  if (hiddenSize % heads === 0) return;
  throw new StudentShapeError(
    'gpt2',
    `hiddenSize ${hiddenSize} cannot be divided among ${heads} heads`,
    'set hiddenSize to a multiple of heads',
  );
}

const WORDS = 'transformer.wte.weight';
const POSITIONS = 'transformer.wpe.weight';

/** exp of it is 0 in float32. */
const BEHIND = -1e9;

const START: Initialisation = { kind: 'normal', std: 0.02 };
