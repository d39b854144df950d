import { feedValues } from './feeds.ts';
import { lossAndGradient } from './gradient.ts';
import { AVERAGE, type OptimizerTensors, optimizerScalars, optimizerStep } from './optimizer.ts';
import type { Scalar, Tensor, Tensor1D, Tensorflow } from './runtime.ts';
import {
  type FeedSpec,
  type Feeds,
  initialState,
  type OptimizerState,
  type PartResult,
  requireAccumulating,
  requireBucket,
  type StepProgram,
  type Stepper,
} from './step-program.ts';

/** Runs the program operation by operation: the reference that the recorded graph is compared with. */
export function createEagerStepper(tf: Tensorflow, program: StepProgram): Stepper {
  const decayMask = tf.tensor1d(program.decayMask.slice());
  let tensors = upload(tf, initialState(program));
  let carried: Tensor1D | undefined;
  let step = 0;
  let eagerSteps = 0;
  const replace = (next: OptimizerTensors): void => {
    tf.dispose([tensors.weights, ...Object.values(tensors.slots)]);
    tensors = next;
  };
  const carry = (gradient: Tensor1D | undefined): void => {
    carried?.dispose();
    carried = gradient;
  };
  /** Loss and gradient of the feeds, with the gradients of earlier parts added. */
  const differentiate = (bucket: number, feeds: Feeds) => {
    const inputs = feedTensors(tf, program.feeds(bucket), feeds);
    const terms = lossAndGradient(tf, program, tensors.weights, inputs, bucket);
    const gradient =
      carried === undefined ? terms.gradient : tf.add<Tensor1D>(carried, terms.gradient);
    return { ...terms, gradient };
  };
  return {
    kind: 'eager',
    get eagerSteps() {
      return eagerSteps;
    },
    accumulate(bucket, feeds) {
      requireAccumulating(program);
      requireBucket(program, bucket);
      const { gradient, ...terms } = tf.tidy(() => differentiate(bucket, feeds));
      carry(gradient);
      return partResult(tf, terms);
    },
    step(bucket, feeds, learningRate) {
      requireBucket(program, bucket);
      const scalars = optimizerScalars(step + 1, learningRate, program.optimizer);
      const { loss, gradNorm, parts, ...next } = tf.tidy(() => {
        const { gradient, ...terms } = differentiate(bucket, feeds);
        const given = { decayMask, scalar: (name: string) => tf.scalar(scalars[name] ?? NaN) };
        return { ...terms, ...optimizerStep(tf, tensors, gradient, given, program.optimizer) };
      });
      replace(next);
      carry(undefined);
      step += 1;
      eagerSteps += 1;
      const result = { gradNorm: valueOf(gradNorm), ...partResult(tf, { loss, parts }) };
      gradNorm.dispose();
      return result;
    },
    evaluate(bucket, feeds) {
      requireBucket(program, bucket);
      const result = tf.tidy(() => {
        const inputs = feedTensors(tf, program.evaluationFeeds(bucket), feeds);
        const weights = tensors.slots[AVERAGE] ?? tensors.weights;
        return program.evaluate(tf, weights, inputs, bucket);
      });
      const values = result.dataSync<'float32'>();
      result.dispose();
      return values;
    },
    state: () => ({
      weights: tensors.weights.dataSync<'float32'>().slice(),
      slots: mapValues(tensors.slots, (slot) => slot.dataSync<'float32'>().slice()),
      step,
    }),
    restore(state) {
      replace(upload(tf, state));
      carry(undefined);
      step = state.step;
    },
    dispose() {
      carry(undefined);
      tf.dispose([decayMask, tensors.weights, ...Object.values(tensors.slots)]);
    },
  };
}

// Copies: a tensor shares the memory of the array it is made from.
function upload(tf: Tensorflow, { weights, slots }: OptimizerState): OptimizerTensors {
  return {
    weights: tf.tensor1d(weights.slice()),
    slots: mapValues(slots, (values) => tf.tensor1d(values.slice())),
  };
}

function feedTensors(
  tf: Tensorflow,
  specs: readonly FeedSpec[],
  feeds: Feeds,
): Record<string, Tensor> {
  return Object.fromEntries(
    specs.map((spec) => [
      spec.name,
      tf.tensor(feedValues(spec, feeds), [...spec.shape], spec.dtype),
    ]),
  );
}

/** Reads and disposes of the reported numbers. */
function partResult(
  tf: Tensorflow,
  { loss, parts }: { readonly loss: Scalar; readonly parts: Readonly<Record<string, Scalar>> },
): PartResult {
  const result = { loss: valueOf(loss), parts: mapValues(parts, valueOf) };
  tf.dispose([loss, ...Object.values(parts)]);
  return result;
}

function mapValues<From, To>(
  values: Readonly<Record<string, From>>,
  change: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}

function valueOf(scalar: Scalar): number {
  return scalar.dataSync<'float32'>()[0] ?? Number.NaN;
}
