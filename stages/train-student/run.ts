import { inputOf, outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { layoutOf } from '#stages/students/parameters.ts';
import { allParameters } from '#stages/students/task-heads.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import { withAnsweringWeights } from '#stages/tensorflow/step-program.ts';
import { latestCheckpoint, removeCheckpoints } from './checkpoints/checkpoint-folder.ts';
import { describeRows, describeStart, describeStudent } from './describe-training.ts';
import { createExecutor } from './executor.ts';
import { describeTime } from './expected-time.ts';
import { describeHeads } from './heads/describe-heads.ts';
import {
  closeHeadInputs,
  type HeadInputs,
  readHeadInputs,
  rowsOfHead,
  taskHeadOf,
} from './heads/head-inputs.ts';
import {
  expectedTimeOfHeads,
  firstHead,
  longestOf,
  programOfHeads,
  setUpHeads,
  trainingsOf,
} from './heads/head-setup.ts';
import { measureHeads } from './heads/head-validation.ts';
import { withLastGood } from './last-good.ts';
import { writeStudent } from './outputs.ts';
import { DEFAULT_KEPT_CHECKPOINTS } from './settings/checkpoints.ts';
import { largestOf } from './settings/schedules.ts';
import { type Settings, settingsOf, type TrainStudentConfig } from './settings.ts';
import type { Start } from './start/initial-weights.ts';
import { transferSetOf } from './start/learned-rows.ts';
import { runsSideBySide } from './student-program.ts';
import { setUpStudent } from './student-setup.ts';
import { type TransferSetAt, temperaturePlan } from './targets/temperatures.ts';
import { type Trained, train } from './training.ts';
import { closeTrainingInputs, readTrainingInputs, type TrainingInputs } from './training-inputs.ts';
import { openTrainingLog } from './training-log.ts';
import { describeMemory, trainingMemory } from './training-memory.ts';
import { type RanOn, recipeOf } from './training-recipe.ts';
import type { TransferSet } from './transfer-set.ts';
import { doubtIn } from './values/value-validation.ts';
import { type FinishedTraining, trainedStudent, writeOutputs } from './write-outputs.ts';

/** Trains a student from cached soft labels and gold labels; the teacher is not needed any more. */
export async function* runTrainStudent(
  context: StageContext<TrainStudentConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const inputs = await readTrainingInputs(context);
  let further: HeadInputs[] = [];
  try {
    further = await readHeadInputs(context);
    yield* trainOn(context, inputs, further);
  } finally {
    await closeTrainingInputs(inputs);
    await closeHeadInputs(further);
  }
}

async function* trainOn(
  context: StageContext<TrainStudentConfig>,
  inputs: TrainingInputs,
  further: readonly HeadInputs[],
): AsyncGenerator<StageEvent, void, void> {
  const settings = settingsOf(context.config);
  const temperatures = temperaturePlan(inputs, settings);
  const transferSetAt = (temperature: number) => transferSetOf(inputs, settings, temperature);
  const transferSet =
    further.length > 0
      ? await rowsOfHead(inputs, settings)
      : await transferSetAt(temperatures.first);
  const softLoss = context.files['softLoss']?.[0];
  const student = await setUpStudent(settings, inputs, transferSet, {
    tokenizer: inputOf(context, 'tokenizer/student'),
    initFrom: context.inputs['initFrom'],
    initialise: initialiseOf(context),
    softLoss,
    taskHeads: further.map(taskHeadOf),
  });
  const furtherHeads = await setUpHeads(settings, student, further, softLoss);
  const setups = [firstHead(settings, student, inputs, transferSet), ...furtherHeads] as const;
  yield* describeRows(transferSet, inputs, settings);
  yield* describeHeads(setups, settings);
  yield* describeStart(student);
  const doubt = largestOf(settings.softLossWeight) > 0 ? doubtIn(inputs) : null;
  if (doubt !== null) yield { type: 'warning', message: doubt };
  context.signal.throwIfAborted();
  const sideBySide = runsSideBySide({ settings, shape: student.shape });
  const runtime = loadTensorflow({ ...settings, sideBySide });
  const largest = longestOf(setups);
  const memory = trainingMemory(runtime.tf, largest, settings.executor);
  yield { type: 'note', message: describeMemory(memory, { ...student, ...largest }) };
  const program = programOfHeads(setups);
  const { stepper, xla, warning } = createExecutor(runtime.tf, program, settings);
  if (warning !== null) yield { type: 'warning', message: warning };
  if (xla) yield { type: 'environment', name: 'xla', value: 'on' };
  try {
    yield* describeStudent(student, stepper, runtime);
    const now = () => performance.now();
    const heads = trainingsOf(setups, stepper);
    const time = await expectedTimeOfHeads(heads, { settings, now });
    if (time !== null) yield { type: 'note', message: describeTime(time, settings) };
    const trained = yield* resumeAndTrain(context, inputs, {
      settings,
      transferSet,
      ...(temperatures.others.length > 0 && { transferSetAt }),
      student,
      heads,
      stepper,
      ranOn: { ...runtime, isCompiled: xla },
    });
    stepper.restore(withAnsweringWeights(stepper.state(), trained.weights));
    yield* writeOutputs(context, { student, heads, stepper }, trained);
    yield { type: 'count', name: 'eagerSteps', value: stepper.eagerSteps };
  } finally {
    stepper.dispose();
  }
  await removeCheckpoints(outputOf(context, 'checkpoints'));
}

/** The model that weights are taken from, where the settings name one. */
function initialiseOf({
  config: { initialise = 'random' },
  files,
}: StageContext<TrainStudentConfig>): Start['initialise'] {
  if (initialise === 'random') return undefined;
  const { initialiseConfig, initialiseWeights = [], initialiseTokenizer } = files;
  const [config, tokenizer] = [initialiseConfig?.[0], initialiseTokenizer?.[0]];
  if (config === undefined) {
    throw new Error('the graph names no files for student.initialise');
  }
  return { settings: initialise, files: { config, weights: initialiseWeights, tokenizer } };
}

interface Workbench extends FinishedTraining {
  readonly settings: Settings;
  readonly transferSet: TransferSet;
  readonly transferSetAt?: TransferSetAt;
  readonly ranOn: RanOn;
}

/** Goes on from the checkpoint of an interrupted run where there is one. */
async function* resumeAndTrain(
  context: StageContext<TrainStudentConfig>,
  inputs: TrainingInputs,
  bench: Workbench,
): AsyncGenerator<StageEvent, Trained, void> {
  const { settings, transferSet, transferSetAt, student, heads, stepper, ranOn } = bench;
  const [, ...further] = heads;
  const { buckets, layout } = student;
  const folder = outputOf(context, 'checkpoints');
  const recipe = recipeOf(context.config, inputs, student, ranOn, further);
  const { checkpoint: resumed, damaged } = await latestCheckpoint({ folder, recipe });
  for (const { message } of damaged) {
    yield { type: 'warning', message: `${message}; the checkpoint before it serves` };
  }
  if (resumed !== null) {
    yield {
      type: 'note',
      message: `goes on after step ${resumed.state.step} of ${settings.steps}`,
    };
  }
  const log = await openTrainingLog(outputOf(context, 'log'), {
    step: resumed?.state.step ?? 0,
    parameters: layoutOf(allParameters(student)).places,
    now: () => Date.now(),
  });
  const training = train(
    {
      stepper,
      settings,
      transferSet,
      transferSetAt,
      layout,
      buckets,
      heads: further.length > 0 ? heads : undefined,
      log,
      signal: context.signal,
      checkpoints: { folder, recipe, keep: settings.keepCheckpoints ?? DEFAULT_KEPT_CHECKPOINTS },
      now: () => performance.now(),
      validate: () => measureHeads(heads, context.signal),
    },
    resumed,
  );
  try {
    return yield* training;
  } catch (error) {
    throw await withLastGood(error, { folder, recipe }, (place, weights) => {
      const tokenizer = inputOf(context, 'tokenizer/student');
      return writeStudent(place, trainedStudent(context, bench, weights), tokenizer);
    });
  }
}
