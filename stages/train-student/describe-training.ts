import type { StageEvent } from '#stages/stage.ts';
import { layoutOf } from '#stages/students/parameters.ts';
import { allParameters } from '#stages/students/task-heads.ts';
import { slotNames } from '#stages/tensorflow/optimizer.ts';
import type { Runtime } from '#stages/tensorflow/runtime.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { largestOf } from './settings/schedules.ts';
import type { Settings } from './settings.ts';
import { doubtAboutStart, sayStart } from './start/initialisation.ts';
import type { StudentSetup } from './student-setup.ts';
import type { TrainingInputs } from './training-inputs.ts';
import { GRADIENT_SLOTS } from './training-log.ts';
import type { TransferSet } from './transfer-set.ts';

/** What is learned from, and what is not. */
export function* describeRows(
  { rowCount, goldCount, leftOut }: TransferSet,
  inputs: TrainingInputs,
  { hardLossWeight }: Settings,
): Generator<StageEvent> {
  yield { type: 'count', name: 'transferRows', value: rowCount };
  if (inputs.views !== undefined) {
    const views = inputs.views.tokens.exampleIds.length.toLocaleString('en-US');
    yield { type: 'note', message: `learns from ${views} views of train rows too` };
  }
  yield { type: 'count', name: 'goldRows', value: goldCount };
  if (goldCount === 0 && largestOf(hardLossWeight) > 0) {
    yield { type: 'note', message: 'no train row has a gold label: hardLossWeight has no effect' };
  }
  if (inputs.train.typeIds !== null) {
    yield { type: 'note', message: 'students read both texts of a pair without segment ids' };
  }
  if (leftOut.length > 0) {
    const teachers = inputs.softLabels.length > 1 ? ' of every teacher' : '';
    const message = `${leftOut.length} train rows have no soft label${teachers} and are left out, the first is example ${leftOut[0]}`;
    yield { type: 'warning', message };
  }
}

/** Where the weights were before the first step, if not at random, and whether that fits. */
export function* describeStart({
  initialisation,
}: Pick<StudentSetup, 'initialisation'>): Generator<StageEvent> {
  if (initialisation === undefined) return;
  yield { type: 'note', message: sayStart(initialisation) };
  const unlike = doubtAboutStart(initialisation);
  if (unlike !== null) yield { type: 'warning', message: unlike };
}

/** Who learns, with what. */
export function* describeStudent(
  { buckets, program, ...student }: StudentSetup,
  stepper: Stepper,
  { version, device }: Runtime,
): Generator<StageEvent> {
  yield { type: 'environment', name: 'tensorflow', value: version };
  yield { type: 'environment', name: 'device', value: device };
  yield { type: 'environment', name: 'executor', value: stepper.kind };
  yield { type: 'count', name: 'parameters', value: layoutOf(allParameters(student)).size };
  if (!slotNames(program.optimizer).some((slot) => slot in GRADIENT_SLOTS)) {
    const message = `TensorBoard shows no gradient of single parameters: ${program.optimizer.kind} keeps none of them here (gradNorm is that of all)`;
    yield { type: 'note', message };
  }
  if (student.shape.vocabularySize === 0) return;
  yield { type: 'note', message: `inputs are padded to ${buckets.join(', ')} tokens` };
}
