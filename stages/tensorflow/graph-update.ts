import { addAssignments } from './graph-ends.ts';
import {
  AVERAGE,
  averaged,
  clippedGradient,
  type Given,
  type OptimizerTensors,
  optimizerStep,
} from './optimizer.ts';
import type { Scalar, Tensor1D, Tensorflow } from './runtime.ts';
import type { AdamWSettings, OptimizerSettings } from './step-program.ts';
import type { RecordingOptions, StepRecorder } from './step-recorder.ts';

/** The nodes that change the variables of a step, and the norm of the gradient before it was clipped. */
interface GraphUpdate {
  readonly gradNorm: Scalar;
  readonly updates: readonly string[];
}

/**
 * Adds the optimiser's update of the variables to the graph. AdamW is TensorFlow's own operation, which passes over
 * weights and moments once; XLA fuses the recorded operations by itself, and other optimisers have few.
 */
export function addUpdate(
  tf: Tensorflow,
  recorder: StepRecorder,
  state: OptimizerTensors & { readonly given: Given },
  gradient: Tensor1D,
  { optimizer, how }: { readonly optimizer: OptimizerSettings; readonly how: RecordingOptions },
): GraphUpdate {
  if (optimizer.kind === 'adamw' && how.xla !== true) {
    return addAdamW(tf, recorder, state, gradient, optimizer);
  }
  const { gradNorm, weights, slots } = recorder.record(
    () => optimizerStep(tf, state, gradient, state.given, optimizer),
    how,
  );
  return { gradNorm, updates: addAssignments(recorder, { weights, ...slots }) };
}

function addAdamW(
  tf: Tensorflow,
  recorder: StepRecorder,
  { weights, slots, given }: OptimizerTensors & { readonly given: Given },
  gradient: Tensor1D,
  settings: AdamWSettings,
): GraphUpdate {
  const recorded = recorder.record(() => {
    const { gradNorm, clipped } = clippedGradient(tf, gradient, settings);
    // The corrections of bias are in rate and epsilon: with powers of 0 the operation has none of its own.
    const none = tf.scalar(0);
    const [beta1, beta2] = [tf.scalar(settings.beta1), tf.scalar(settings.beta2)];
    const scalars = [none, none, given.scalar('rate'), beta1, beta2, given.scalar('epsilon')];
    const decayed = tf.mul(tf.mul(given.decayMask, given.scalar('decay')), weights);
    return {
      gradNorm,
      decayed: recorder.outputOf(decayed),
      scalars: scalars.map((tensor) => recorder.outputOf(tensor)),
      clipped: recorder.outputOf(clipped),
    };
  });
  const { gradNorm, decayed, scalars, clipped } = recorded;
  const type = { type: recorder.type('float32') };
  // After the gradient: a step that fails on its way there must leave every variable alone.
  const known = `^${clipped.split(':')[0]}`;
  const decay = recorder.graph.add('AssignSubVariableOp', ['weights', decayed, known], {
    dtype: type,
  });
  const variables = ['weights', 'firstMoment', 'secondMoment'];
  const moved = recorder.graph.add(
    'ResourceApplyAdam',
    [...variables, ...scalars, clipped, `^${decay}`],
    {
      T: type,
      use_locking: { bool: false },
      use_nesterov: { bool: false },
    },
  );
  const average = slots[AVERAGE];
  if (average === undefined) return { gradNorm, updates: [moved] };
  const read = recorder.graph.add('ReadVariableOp', ['weights', `^${moved}`], { dtype: type });
  const next = tf.zerosLike(weights);
  recorder.declare(next, `${read}:0`);
  const followed = recorder.record(() => averaged(tf, average, next, given));
  return { gradNorm, updates: [moved, ...addAssignments(recorder, { [AVERAGE]: followed })] };
}
