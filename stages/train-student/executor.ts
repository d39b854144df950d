import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import {
  type FeedSpec,
  type Feeds,
  initialState,
  type StepProgram,
  type Stepper,
} from '#stages/tensorflow/step-program.ts';
import type { Precision } from '#stages/tensorflow/step-recorder.ts';
import { XlaUnavailableError, xlaProblem } from '#stages/tensorflow/xla.ts';
import type { Settings } from './settings.ts';

/** How steps are computed, and why not as asked for where that was left open. */
export interface Executor {
  readonly stepper: Stepper;
  readonly xla: boolean;
  readonly warning: string | null;
}

/** The executor that the settings ask for; one that is not to be had is an error unless that was left open. */
export function createExecutor(
  tf: Tensorflow,
  program: StepProgram,
  {
    executor,
    xla = false,
    precision = 'float32',
  }: Pick<Settings, 'executor' | 'xla' | 'precision'>,
): Executor {
  if (executor === 'eager') {
    return { stepper: createEagerStepper(tf, program), xla: false, warning: null };
  }
  if (xla !== false) {
    const compiled = xlaProblem(tf) ?? compiledStepper(tf, program, precision);
    if (typeof compiled !== 'string') return { stepper: compiled, xla: true, warning: null };
    if (xla === true) throw new XlaUnavailableError(compiled);
    const stepper = createGraphStepper(tf, program, { precision });
    return { stepper, xla: false, warning: `steps are not compiled with XLA: ${compiled}` };
  }
  return { stepper: createGraphStepper(tf, program, { precision }), xla: false, warning: null };
}

/**
 * A stepper whose every step has been compiled, or why that fails. Trying it before the first real step costs
 * nothing: what is compiled once stays so.
 */
function compiledStepper(
  tf: Tensorflow,
  program: StepProgram,
  precision: Precision,
): Stepper | string {
  const stepper = createGraphStepper(tf, program, { xla: true, precision });
  try {
    for (const bucket of program.buckets) {
      const feeds = zeros(program.feeds(bucket));
      if (program.accumulates === true) stepper.accumulate(bucket, feeds);
      stepper.step(bucket, feeds, 0);
    }
    stepper.restore(initialState(program));
    return stepper;
  } catch (error) {
    stepper.dispose();
    const problem = error instanceof Error ? error.message : String(error);
    return `a compiled step fails: ${problem.split('\n')[0]}`;
  }
}

function zeros(specs: readonly FeedSpec[]): Feeds {
  const entries = specs.map(({ name, dtype, shape }) => {
    const size = shape.reduce((product, dimension) => product * dimension, 1);
    return [name, dtype === 'int32' ? new Int32Array(size) : new Float32Array(size)] as const;
  });
  return Object.fromEntries(entries);
}
