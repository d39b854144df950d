import { type AdamWScalars, type AdamWTensors, adamwFeeds, adamwStep } from './adamw.ts';
import { feedValues } from './feeds.ts';
import { lossAndGradient } from './gradient.ts';
import type { Scalar, Tensor, Tensorflow } from './runtime.ts';
import {
  type FeedSpec,
  type Feeds,
  initialState,
  type OptimizerState,
  requireBucket,
  type StepProgram,
  type Stepper,
} from './step-program.ts';

/** Runs the program operation by operation: the reference that the recorded graph is compared with. */
export function createEagerStepper(tf: Tensorflow, program: StepProgram): Stepper {
  const decayMask = tf.tensor1d(program.decayMask.slice());
  let tensors = upload(tf, initialState(program));
  let step = 0;
  let eagerSteps = 0;
  const replace = (next: AdamWTensors): void => {
    tf.dispose({ ...tensors });
    tensors = next;
  };
  return {
    kind: 'eager',
    get eagerSteps() {
      return eagerSteps;
    },
    step(bucket, feeds, learningRate) {
      requireBucket(program, bucket);
      const scalars = adamwFeeds(step + 1, learningRate, program.optimizer);
      const { loss, gradNorm, parts, ...next } = tf.tidy(() => {
        const inputs = feedTensors(tf, program.feeds(bucket), feeds);
        const { gradient, ...terms } = lossAndGradient(
          tf,
          program,
          tensors.weights,
          inputs,
          bucket,
        );
        const updated = adamwStep(
          tf,
          tensors,
          gradient,
          decayMask,
          scalarTensors(tf, scalars),
          program.optimizer,
        );
        return { ...terms, ...updated };
      });
      replace(next);
      step += 1;
      eagerSteps += 1;
      const values = Object.entries(parts).map(([name, part]) => [name, valueOf(part)]);
      const result = {
        loss: valueOf(loss),
        gradNorm: valueOf(gradNorm),
        parts: Object.fromEntries(values),
      };
      tf.dispose([loss, gradNorm, ...Object.values(parts)]);
      return result;
    },
    evaluate(bucket, feeds) {
      requireBucket(program, bucket);
      const result = tf.tidy(() => {
        const inputs = feedTensors(tf, program.evaluationFeeds(bucket), feeds);
        return program.evaluate(tf, tensors.weights, inputs, bucket);
      });
      const values = result.dataSync<'float32'>();
      result.dispose();
      return values;
    },
    state: () => ({
      weights: tensors.weights.dataSync<'float32'>().slice(),
      firstMoment: tensors.firstMoment.dataSync<'float32'>().slice(),
      secondMoment: tensors.secondMoment.dataSync<'float32'>().slice(),
      step,
    }),
    restore(state) {
      replace(upload(tf, state));
      step = state.step;
    },
    dispose: () => tf.dispose([decayMask, ...Object.values(tensors)]),
  };
}

// Copies: a tensor shares the memory of the array it is made from.
function upload(tf: Tensorflow, state: OptimizerState): AdamWTensors {
  return {
    weights: tf.tensor1d(state.weights.slice()),
    firstMoment: tf.tensor1d(state.firstMoment.slice()),
    secondMoment: tf.tensor1d(state.secondMoment.slice()),
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

function scalarTensors(
  tf: Tensorflow,
  numbers: Readonly<Record<keyof AdamWScalars, number>>,
): AdamWScalars {
  return {
    learningRate: tf.scalar(numbers.learningRate),
    firstCorrection: tf.scalar(numbers.firstCorrection),
    secondCorrection: tf.scalar(numbers.secondCorrection),
  };
}

function valueOf(scalar: Scalar): number {
  return scalar.dataSync<'float32'>()[0] ?? Number.NaN;
}
