import { sigmoid, softplus } from './binary.ts';
import type { RowLoss } from './distillation.ts';

/** Mean over the outputs of the squared distance to the targets, and its gradient. */
export function squaredError(values: readonly number[], targets: readonly number[]): RowLoss {
  const width = values.length;
  const errors = values.map((value, output) => value - (targets[output] ?? Number.NaN));
  return {
    loss: errors.reduce((sum, error) => sum + error * error, 0) / width,
    gradient: Float64Array.from(errors, (error) => (2 * error) / width),
  };
}

/**
 * T^2 times the mean over the classes of KL(Bernoulli(sigmoid(t / T)) || Bernoulli(sigmoid(z / T))): the
 * dense soft loss of every class against "not this class" (one versus all; Yang et al. 2023).
 */
export function distillBinary(
  student: readonly number[],
  teacher: readonly number[],
  temperature: number,
): RowLoss {
  const probs = teacher.map((logit) => sigmoid(logit / temperature));
  const own = teacher.map((logit, id) => crossEntropy(logit / temperature, probs[id] ?? 0));
  const { loss, gradient } = binaryLoss(
    student.map((logit) => logit / temperature),
    probs,
  );
  const floor = own.reduce((sum, value) => sum + value, 0) / own.length;
  return {
    loss: temperature ** 2 * (loss - floor),
    gradient: gradient.map((slope) => slope * temperature),
  };
}

/** Mean over the classes of the binary cross-entropy with these probabilities of a yes. */
export function binaryLoss(student: readonly number[], targets: readonly number[]): RowLoss {
  const width = student.length;
  const losses = student.map((logit, id) => crossEntropy(logit, targets[id] ?? Number.NaN));
  return {
    loss: losses.reduce((sum, value) => sum + value, 0) / width,
    gradient: Float64Array.from(
      student,
      (logit, id) => (sigmoid(logit) - (targets[id] ?? Number.NaN)) / width,
    ),
  };
}

/** -p log sigmoid(z) - (1 - p) log(1 - sigmoid(z)) = log(1 + e^z) - p z */
function crossEntropy(logit: number, target: number): number {
  return softplus(logit) - target * logit;
}
