import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { entropy } from '#stages/numerics/divergence.ts';
import { logSoftmax } from '#stages/numerics/softmax.ts';
import { layerNorm, tanhGelu } from '#stages/students/operations.ts';
import { hardLoss } from '#stages/tensorflow/distillation-loss.ts';
import { cosineLoss } from '#stages/tensorflow/hint-loss.ts';
import { type OwnSoftLoss, ownSoftLoss } from '#stages/tensorflow/own-soft-loss.ts';
import type { Scalar, Tensor, Tensor1D, Tensor2D } from '#stages/tensorflow/runtime.ts';
import { softLoss } from '#stages/tensorflow/soft-loss.ts';
import { type SoftLossKind, softLossKind } from '#stages/tensorflow/soft-loss-kind.ts';
import { binaryHardLoss } from '#stages/tensorflow/value-loss.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { type BatchLoss, differentiate, hard, mixed } from '#tests/support/student-loss.ts';
import { tf } from '#tests/support/tensorflow.ts';

/** A case of PyTorch in float64. Which fields it has is decided by its formula. */
interface Case {
  readonly name: string;
  readonly inputs: Inputs;
  readonly params: Readonly<Record<string, number>>;
  readonly loss: number;
  readonly grad: Readonly<Record<string, unknown>>;
}

/** Rows of tokens in some of the cases, which `flat` unrolls. */
interface Inputs {
  readonly student: Rows;
  readonly teacher: Rows;
  readonly logits: Rows;
  readonly x: Rows;
  readonly r: Rows;
  readonly labels: number[];
  readonly weight: number[];
  readonly pos_weight: number[];
  readonly mask: Rows;
  readonly gamma: number[];
  readonly beta: number[];
}

type Rows = number[][];
type Pair = Pick<Inputs, 'student' | 'teacher'>;

const { cases } = JSON.parse(readFileSync(join(goldenFolder, 'kd-reference.json'), 'utf8')) as {
  cases: Case[];
};

/** Loss and gradient that we compute for a case of this name. */
const ours: Readonly<Record<string, (one: Case) => BatchLoss>> = {
  kl_fwd_batchmean: ({ inputs, params }) => soft(softLossKind('forward-kl'), inputs, params['T']),
  // Without T^2, and with the entropy of the teacher, which has no slope.
  soft_ce_mean: ({ inputs, params }) => {
    const t = params['T'] ?? 1;
    const kl = scaled(soft(softLossKind('forward-kl'), inputs, t), 1 / t ** 2);
    const teacher = inputs.teacher;
    const own = teacher.map((row) => entropy(logSoftmax(row, t)));
    return { ...kl, loss: kl.loss + own.reduce((sum, one) => sum + one, 0) / own.length };
  },
  // Without T^2.
  kl_rev_batchmean: ({ inputs, params }) => {
    const t = params['T'] ?? 1;
    return scaled(soft(softLossKind('reverse-kl'), inputs, t), 1 / t ** 2);
  },
  // The sum over tokens is divided by the texts, ours by the tokens.
  gjsd_batchmean_dim0: ({ inputs, params }) => {
    const kind = { name: 'jensen-shannon', teacherShare: params['beta'] ?? 0.5 } as const;
    const tokens = inputs.student[0]?.length ?? 1;
    return scaled(soft(kind, flattened(inputs), 1), tokens);
  },
  token_kl_masked_mean: ({ inputs, params }) =>
    soft(softLossKind('forward-kl'), flattened(inputs), params['T'], inputs.mask.flat()),
  kl_numeric_identical: ({ inputs }) => soft(softLossKind('forward-kl'), inputs, 1),
  kl_numeric_trl_edge: ({ inputs }) => soft(softLossKind('forward-kl'), inputs, 1),
  kd_combined: ({ inputs, params }) => {
    const share = params['alpha_hard'] ?? 0;
    const gold = hard(inputs.student, inputs.labels);
    return mixed(gold, share, soft(softLossKind('forward-kl'), inputs, params['T']), 1 - share);
  },
  ce_label_smoothing: ({ inputs, params }) =>
    hard(inputs.logits, inputs.labels, params['label_smoothing']),
  ce_weighted: ({ inputs, params }) =>
    differentiate(inputs.logits, (logits) =>
      hardLoss(tf, logits, {
        goldIds: tf.tensor1d(inputs.labels, 'int32'),
        weights: tf.ones([inputs.labels.length]) as Tensor1D,
        labelSmoothing: params['label_smoothing'] ?? 0,
        classWeights: tf.tensor1d(inputs.weight),
      }),
    ),
  token_ce_ignore: ({ inputs }) => {
    const labels = inputs.labels.flat();
    const weights = labels.map((label) => (label < 0 ? 0 : 1));
    return hard(unrolled(inputs.logits), labels, 0, weights);
  },
  mse_mean: ({ inputs }) => soft(softLossKind('mse'), inputs, 3),
  bce_logits_soft: ({ inputs }) => binary(inputs.student, probabilities(inputs.teacher)),
  bce_logits_pos_weight: ({ inputs }) =>
    binary(inputs.logits, rowsIn(inputs.labels), inputs.pos_weight),
  cosine_embedding_target1: ({ inputs }) => cosine(inputs),
  // Of vectors of length 1 it is 2 (1 - cosine) over their width.
  pkd_normalized_mse: ({ inputs }) => scaled(cosine(inputs), 2 / (inputs.student[0]?.length ?? 1)),
  // Losses that a user brings: differentiated automatically.
  l1_mean: ({ inputs }) => own(inputs, (errors) => tf.abs(errors)),
  huber_delta0: ({ inputs }) => own(inputs, (errors) => huber(errors, 0.5)),
  smooth_l1_beta1: ({ inputs }) => own(inputs, (errors) => huber(errors, 1)),
  layer_norm: ({ inputs, params }) =>
    differentiate(unrolled(inputs.x), (x) => {
      const [gain, bias] = [tf.tensor1d(inputs.gamma), tf.tensor1d(inputs.beta)];
      const out = layerNorm(tf, x, { gain, bias, epsilon: params['eps'] ?? 0 });
      return tf.sum(tf.mul(out, tf.tensor2d(unrolled(inputs.r))));
    }),
  gelu_tanh: ({ inputs }) =>
    differentiate(unrolled(inputs.x), (x) =>
      tf.sum(tf.mul(tanhGelu(tf, x), tf.tensor2d(unrolled(inputs.r)))),
    ),
};

/** Cases with a trace in place of a loss, and the test that takes their steps. */
const elsewhere: Readonly<Record<string, string>> = {
  optim_adam_l2: 'adamw.test.ts',
  clip_grad_norm: 'adamw.test.ts',
  optim_sgd_momentum_nesterov: 'optimizers.test.ts',
  optim_rmsprop: 'optimizers.test.ts',
};

for (const name of new Set(cases.map((one) => one.name))) {
  const compute = ours[keyOf(name)];
  if (compute === undefined) continue;
  test(`${name}: losses and gradients are PyTorch's within 1e-5 of their size`, () => {
    for (const one of cases.filter((other) => other.name === name)) {
      const { loss, gradient } = compute(one);
      const slopes = numbersIn(Object.values(one.grad)[0]);
      const steepest = Math.max(...slopes.map(Math.abs));
      // What T^2 KL loses where student and teacher nearly agree: one rounding of its logarithms.
      const t = one.params['T'] ?? 1;
      assertWithin([loss], [one.loss], Math.max(1e-5 * Math.abs(one.loss), ROUNDING * t ** 2));
      assertWithin(gradient.flat(), slopes, Math.max(1e-5 * steepest, ROUNDING * t));
    }
  });
}

test('each of the 96 cases is computed by our code, here or where its steps are taken', () => {
  const here = cases.filter(({ name }) => Object.hasOwn(ours, keyOf(name)));
  const there = cases.filter(({ name }) => Object.hasOwn(elsewhere, name));
  assert.deepEqual([cases.length, here.length, there.length], [96, 92, 4]);
  for (const [name, file] of Object.entries(elsewhere)) {
    const source = readFileSync(join(import.meta.dirname, file), 'utf8');
    assert.ok(source.includes(`'${name}'`), `${file} does not take the steps of ${name}`);
  }
});

function keyOf(name: string): string {
  return name.replace('huber_delta0.5', 'huber_delta0');
}

function assertWithin(
  actual: readonly number[],
  expected: readonly number[],
  allowed: number,
): void {
  assert.equal(actual.length, expected.length);
  for (const [at, value] of expected.entries()) {
    const difference = Math.abs((actual[at] ?? Number.NaN) - value);
    assert.ok(difference <= allowed, `${actual[at]} is not ${value} (within ${allowed})`);
  }
}

function soft(
  kind: SoftLossKind,
  { student, teacher }: Pair,
  temperature = 1,
  weights = student.map(() => 1),
): BatchLoss {
  return differentiate(student, (logits) =>
    softLoss(tf, kind, logits, {
      type: 'dense',
      teacherLogits: tf.tensor2d(teacher),
      temperature: tf.scalar(temperature),
      weights: tf.tensor1d(weights),
    }),
  );
}

function binary(student: Rows, targets: Rows, yesWeights?: number[]): BatchLoss {
  return differentiate(student, (logits) =>
    binaryHardLoss(tf, logits, {
      targets: tf.tensor2d(targets),
      weights: tf.ones([student.length]) as Tensor1D,
      labelSmoothing: 0,
      yesWeights: yesWeights && tf.tensor1d(yesWeights),
    }),
  );
}

function cosine({ student, teacher }: Pair): BatchLoss {
  return differentiate(student, (features) =>
    cosineLoss(tf, features, {
      targets: tf.tensor2d(teacher),
      weights: tf.ones([student.length]) as Tensor1D,
    }),
  );
}

/** A user's loss: the mean over the classes of something of the differences. */
function own({ student, teacher }: Pair, lossOf: (errors: Tensor2D) => Tensor): BatchLoss {
  const loss: OwnSoftLoss = (_, { studentLogits, targets }) => {
    if (targets.type !== 'dense') throw new Error('dense only');
    return tf.mean(lossOf(tf.sub(studentLogits, targets.teacherLogits)), 1);
  };
  return differentiate(
    student,
    (logits): Scalar =>
      ownSoftLoss(tf, loss, logits, {
        type: 'dense',
        teacherLogits: tf.tensor2d(teacher),
        temperature: tf.scalar(1),
        weights: tf.ones([student.length]) as Tensor1D,
      }),
  );
}

function huber(errors: Tensor2D, delta: number): Tensor2D {
  const size = tf.abs(errors);
  const inner = tf.minimum(size, delta);
  return tf.add(tf.mul(tf.square(inner), 0.5), tf.mul(tf.sub(size, inner), delta));
}

function probabilities(rows: Rows): Rows {
  return rows.map((row) => row.map((logit) => 1 / (1 + Math.exp(-logit))));
}

/** Texts of tokens as rows of tokens. */
function flattened({ student, teacher }: Pair): Pair {
  return { student: unrolled(student), teacher: unrolled(teacher) };
}

function unrolled(rows: Rows): Rows {
  return (rows as unknown as Rows[]).flat();
}

function rowsIn(values: number[]): Rows {
  return values as unknown as Rows;
}

function scaled({ loss, gradient }: BatchLoss, by: number): BatchLoss {
  return { loss: loss * by, gradient: gradient.map((row) => row.map((value) => value * by)) };
}

function numbersIn(nested: unknown): number[] {
  return Array.isArray(nested) ? nested.flatMap(numbersIn) : [Number(nested)];
}

/** Spacing of float32 at 1. */
const ROUNDING = 2 ** -23;
