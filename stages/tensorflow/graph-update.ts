import { addAssignments } from './graph-ends.ts';
import { partsOf } from './graph-variables.ts';
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

/** What an update starts from. */
export interface GraphState extends OptimizerTensors {
  readonly given: Given;
  readonly parts: readonly WeightPart[];
}

/** Weights that have a variable of their own. */
export interface WeightPart {
  readonly length: number;
  /** Which of them decay. */
  readonly decays: 'all' | 'some' | 'none';
}

/** Is the update TensorFlow's own operation, which may be one a parameter? */
export function isOwnUpdate({ kind }: OptimizerSettings, how: RecordingOptions): boolean {
  return kind === 'adamw' && how.xla !== true;
}

/**
 * Adds the optimiser's update of the variables to the graph. AdamW is TensorFlow's own operation, which passes over
 * weights and moments once; XLA fuses the recorded operations by itself, and other optimisers have few.
 */
export function addUpdate(
  tf: Tensorflow,
  recorder: StepRecorder,
  state: GraphState,
  gradient: Tensor1D,
  { optimizer, how }: { readonly optimizer: OptimizerSettings; readonly how: RecordingOptions },
): GraphUpdate {
  if (optimizer.kind === 'adamw' && isOwnUpdate(optimizer, how)) {
    return addAdamW(tf, recorder, state, gradient, optimizer);
  }
  const { gradNorm, weights, slots } = recorder.record(
    () => optimizerStep(tf, state, gradient, state.given, optimizer),
    how,
  );
  return { gradNorm, updates: addAssignments(recorder, { weights, ...slots }) };
}

/** An update for each part: they go side by side, and what passes over the weights passes over one parameter. */
function addAdamW(
  tf: Tensorflow,
  recorder: StepRecorder,
  { weights, slots, given, parts }: GraphState,
  gradient: Tensor1D,
  settings: AdamWSettings,
): GraphUpdate {
  const cut = (vector: Tensor1D): Tensor1D[] => tf.split(vector, lengthsOf(parts), 0);
  const average = slots[AVERAGE];
  const recorded = recorder.record(() => {
    const { gradNorm, clipped } = clippedGradient(
      tf,
      joinedOf(tf, recorder, gradient, parts) ?? cut(gradient),
      settings,
    );
    // The corrections of bias are in rate and epsilon: with powers of 0 the operation has none of its own.
    const none = tf.scalar(0);
    const [beta1, beta2] = [tf.scalar(settings.beta1), tf.scalar(settings.beta2)];
    const scalars = [none, none, given.scalar('rate'), beta1, beta2, given.scalar('epsilon')];
    return {
      gradNorm,
      decayed: decayedOf(tf, { weights: cut(weights), masks: cut(given.decayMask) }, parts, given),
      scalars: scalars.map((tensor) => recorder.outputOf(tensor)),
      clipped: clipped.map((part) => recorder.outputOf(part)),
      averages: average === undefined ? [] : cut(average),
    };
  });
  const { gradNorm, decayed, scalars, clipped, averages } = recorded;
  const type = { type: recorder.type('float32') };
  const [owned, first, second] = ['weights', 'firstMoment', 'secondMoment'].map((name) =>
    partsOf(name, parts.length),
  ) as [string[], string[], string[]];
  // After the norm, so after the whole gradient: a step that fails on its way there must leave every variable alone.
  const known = `^${recorder.outputOf(gradNorm).split(':')[0]}`;
  const moved = owned.map((variable, part) => {
    const kept = decayed[part];
    const before =
      kept === undefined
        ? known
        : `^${recorder.graph.add('AssignVariableOp', [variable, recorder.outputOf(kept), known], {
            dtype: type,
          })}`;
    const moments = [first[part] ?? '', second[part] ?? ''];
    return recorder.graph.add(
      'ResourceApplyAdam',
      [variable, ...moments, ...scalars, clipped[part] ?? '', before],
      { T: type, use_locking: { bool: false }, use_nesterov: { bool: false } },
    );
  });
  if (averages.length === 0) return { gradNorm, updates: moved };
  const names = partsOf(AVERAGE, parts.length);
  const followed = averages.map((part, index) => {
    const inputs = [owned[index] ?? '', `^${moved[index]}`];
    const read = recorder.graph.add('ReadVariableOp', inputs, { dtype: type });
    const next = tf.zerosLike(part);
    recorder.declare(next, `${read}:0`);
    return [names[index] ?? '', recorder.record(() => averaged(tf, part, next, given))] as const;
  });
  return {
    gradNorm,
    updates: [...moved, ...addAssignments(recorder, Object.fromEntries(followed))],
  };
}

/**
 * Each part after its decay: new values, which take a variable's place without the two passes more that it takes to
 * subtract from them.
 */
function decayedOf(
  tf: Tensorflow,
  {
    weights,
    masks,
  }: { readonly weights: readonly Tensor1D[]; readonly masks: readonly Tensor1D[] },
  parts: readonly WeightPart[],
  given: Given,
): readonly (Tensor1D | undefined)[] {
  const decay = given.scalar('decay');
  const kept = tf.sub(1, decay);
  return weights.map((part, index) => {
    const decays = parts[index]?.decays ?? 'some';
    if (decays === 'none') return undefined;
    const share = decays === 'all' ? kept : tf.sub(1, tf.mul(masks[index] ?? decay, decay));
    return tf.mul<Tensor1D>(part, share);
  });
}

/** The parts that the gradient was joined from, where they are those of the weights. */
function joinedOf(
  tf: Tensorflow,
  recorder: StepRecorder,
  gradient: Tensor1D,
  parts: readonly WeightPart[],
): Tensor1D[] | undefined {
  const joined = recorder.partsOf(gradient);
  if (joined === undefined) return undefined;
  if (joined.map(({ length }) => length).join() !== lengthsOf(parts).join()) return undefined;
  return joined.map(({ output, length }) => {
    const part = tf.zeros([length]) as Tensor1D;
    recorder.declare(part, output);
    return part;
  });
}

function lengthsOf(parts: readonly WeightPart[]): number[] {
  return parts.map(({ length }) => length);
}
