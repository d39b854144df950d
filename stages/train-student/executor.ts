import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { StepProgram, Stepper } from '#stages/tensorflow/step-program.ts';
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
  const problem = xla === false ? null : xlaProblem(tf);
  if (problem !== null && xla === true) throw new XlaUnavailableError(problem);
  const compile = xla !== false && problem === null;
  return {
    stepper: createGraphStepper(tf, program, { xla: compile, precision }),
    xla: compile,
    warning: problem && `steps are not compiled with XLA: ${problem}`,
  };
}
