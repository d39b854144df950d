import type { StepProgram, Stepper } from '#stages/tensorflow/step-program.ts';
import type { BatchLayout } from '#stages/train-student/batches/batch-feeds.ts';
import { type ExpectedTime, expectedTime, type Plan } from '#stages/train-student/expected-time.ts';
import { studentLosses } from '#stages/train-student/losses/student-losses.ts';
import type { Settings } from '#stages/train-student/settings.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import {
  bucketsOf,
  layoutOfBatches,
  type StudentSetup,
} from '#stages/train-student/student-setup.ts';
import type { TrainingInputs } from '#stages/train-student/training-inputs.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';
import { type HeadInputs, rowsOfHead, taskHeadOf } from './head-inputs.ts';
import { joinedProgram, stepperOfHead } from './heads-program.ts';

/** One head of a student that has several, ready to be trained. */
export interface HeadSetup extends HeadInputs {
  readonly transferSet: TransferSet;
  readonly classCount: number;
  readonly layout: BatchLayout;
  /** Sequence lengths of its batches, ascending. */
  readonly buckets: readonly number[];
  readonly program: StepProgram;
  /** The same program for batches of another size. */
  readonly programOf: (batchSize: number) => StepProgram;
}

/** A head with the steps of a joined program that are its own. */
export interface HeadTraining extends HeadSetup {
  readonly stepper: Stepper;
}

/** The student's own classifier among its heads. */
export const FIRST_HEAD = 'main';

/** The student's own classifier as one head among several. */
export function firstHead(
  settings: Settings,
  student: StudentSetup,
  inputs: TrainingInputs,
  transferSet: TransferSet,
): HeadSetup {
  const { classCount } = student.shape;
  const { task } = settings;
  return { ...student, name: FIRST_HEAD, weight: 1, task, inputs, transferSet, classCount };
}

/** Builds the further heads of a student: they have the weights of all, and rows, losses and lengths of their own. */
export async function setUpHeads(
  settings: Settings,
  student: StudentSetup,
  heads: readonly HeadInputs[],
  softLoss: string | undefined,
): Promise<HeadSetup[]> {
  const setups: HeadSetup[] = [];
  for (const head of heads) {
    const own = settingsOfHead(settings, head);
    const transferSet = await rowsOfHead(head.inputs, own);
    setups.push(await setUpHead(own, student, head, { transferSet, softLoss }));
  }
  return setups;
}

/** What the settings are to a head: numbers have no classes to weigh. */
function settingsOfHead(settings: Settings, { task }: HeadInputs): Settings {
  return { ...settings, task, ...(task === 'regression' && { classWeights: undefined }) };
}

async function setUpHead(
  settings: Settings,
  { architecture, shape, program }: StudentSetup,
  head: HeadInputs,
  {
    transferSet,
    softLoss: module,
  }: { readonly transferSet: TransferSet; readonly softLoss: string | undefined },
): Promise<HeadSetup> {
  const { inputs } = head;
  const answering = taskHeadOf(head);
  const ofRows = layoutOfBatches(settings, inputs, transferSet, shape);
  const buckets = bucketsOf(inputs, shape);
  const losses = await studentLosses(settings, inputs, { soft: ofRows.soft, module });
  const { classWeights } = losses;
  const layout = { ...ofRows, ...(classWeights && { classWeights }) };
  const { initialWeights } = program;
  const { classCount } = answering;
  const programOf = (batchSize: number) =>
    studentProgram({
      architecture,
      shape,
      layout: { ...layout, batchSize },
      buckets,
      initialWeights,
      settings,
      losses,
      head: answering,
    });
  const own = { classCount, layout, buckets, program: programOf(layout.batchSize), programOf };
  return { ...head, transferSet, ...own };
}

/** The program of a student with these heads. */
export function programOfHeads([first, ...further]: Heads<HeadSetup>): StepProgram {
  if (further.length === 0) return first.program;
  return joinedProgram([first.program, ...further.map((head) => head.program)]);
}

/** The heads with what each of them steps with; `stepper` is that of their program. */
export function trainingsOf(
  [first, ...further]: Heads<HeadSetup>,
  stepper: Stepper,
): Heads<HeadTraining> {
  const of = (head: HeadSetup, place: number): HeadTraining => ({
    ...head,
    stepper: stepperOfHead(stepper, place),
  });
  return [of(first, 0), ...further.map((head, at) => of(head, at + 1))];
}

/** The first head and the further ones. */
export type Heads<Head> = readonly [Head, ...Head[]];

/** The head whose batches take the most memory. */
export function longestOf(heads: Heads<HeadSetup>): HeadSetup {
  const lengthOf = ({ buckets }: HeadSetup) => buckets.at(-1) ?? 0;
  return heads.reduce((most, head) => (lengthOf(head) > lengthOf(most) ? head : most));
}

/** Of steps that the heads share by their rows; null where that is not told. */
export async function expectedTimeOfHeads(
  heads: Heads<HeadTraining>,
  plan: Pick<Plan, 'settings' | 'now'>,
): Promise<ExpectedTime | null> {
  const { steps } = plan.settings;
  const rows = heads.reduce((sum, { transferSet }) => sum + transferSet.rowCount, 0);
  let [stepMs, measuringMs] = [0, 0];
  for (const head of heads) {
    const time = await expectedTime({ ...plan, ...head, student: head });
    if (time === null) return null;
    stepMs += (head.transferSet.rowCount / rows) * time.stepMs;
    measuringMs += time.totalMs - steps * time.stepMs;
  }
  return { stepMs, totalMs: steps * stepMs + measuringMs };
}
