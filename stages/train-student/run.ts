import { writeInitialisation } from '#datasets/initialisation.ts';
import { writePredictions } from '#datasets/predictions.ts';
import { writeProbe } from '#datasets/probe.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { layoutOf } from '#stages/students/parameters.ts';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';
import { type Stepper, withAnsweringWeights } from '#stages/tensorflow/step-program.ts';
import { latestCheckpoint, removeCheckpoints } from './checkpoint-folder.ts';
import { describeRows, describeStudent } from './describe-training.ts';
import { createExecutor } from './executor.ts';
import { describeTime, expectedTime } from './expected-time.ts';
import type { Start } from './initial-weights.ts';
import { doubtAboutStart, sayStart } from './initialisation.ts';
import { tokenPredictions, tokenProbe } from './language-outputs.ts';
import { predictTokens } from './language-predictions.ts';
import { judgeTokens } from './language-validation.ts';
import { withLastGood } from './last-good.ts';
import { transferSetOf } from './learned-rows.ts';
import { probeOf, writeSplitPredictions, writeStudent } from './outputs.ts';
import { type PredictedRows, predictRows } from './predict-rows.ts';
import { DEFAULT_KEPT_CHECKPOINTS } from './settings/checkpoints.ts';
import { largestOf } from './settings/schedules.ts';
import { type Settings, settingsOf, type TrainStudentConfig } from './settings.ts';
import { type StudentSetup, setUpStudent } from './student-setup.ts';
import { type TransferSetAt, temperaturePlan } from './temperatures.ts';
import { type Measurement, type Trained, train } from './training.ts';
import { closeTrainingInputs, readTrainingInputs, type TrainingInputs } from './training-inputs.ts';
import { openTrainingLog } from './training-log.ts';
import { describeMemory, trainingMemory } from './training-memory.ts';
import { type RanOn, recipeOf } from './training-recipe.ts';
import type { TransferSet } from './transfer-set.ts';
import { doubtAboutTeacher, scoreOf, validate } from './validation.ts';
import { doubtAboutValues, judgeValues } from './value-validation.ts';

/** Trains a student from cached soft labels and gold labels; the teacher is not needed any more. */
export async function* runTrainStudent(
  context: StageContext<TrainStudentConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const inputs = await readTrainingInputs(context);
  try {
    yield* trainOn(context, inputs);
  } finally {
    await closeTrainingInputs(inputs);
  }
}

async function* trainOn(
  context: StageContext<TrainStudentConfig>,
  inputs: TrainingInputs,
): AsyncGenerator<StageEvent, void, void> {
  const settings = settingsOf(context.config);
  const temperatures = temperaturePlan(inputs, settings);
  const transferSetAt = (temperature: number) => transferSetOf(inputs, settings, temperature);
  const transferSet = await transferSetAt(temperatures.first);
  const student = await setUpStudent(settings, inputs, transferSet, {
    tokenizer: inputOf(context, 'tokenizer/student'),
    initFrom: context.inputs['initFrom'],
    initialise: initialiseOf(context),
    softLoss: context.files['softLoss']?.[0],
  });
  yield* describeRows(transferSet, inputs, settings);
  if (student.initialisation !== undefined) {
    yield { type: 'note', message: sayStart(student.initialisation) };
    const unlike = doubtAboutStart(student.initialisation);
    if (unlike !== null) yield { type: 'warning', message: unlike };
  }
  const doubt = largestOf(settings.softLossWeight) > 0 ? doubtIn(inputs) : null;
  if (doubt !== null) yield { type: 'warning', message: doubt };
  context.signal.throwIfAborted();
  const runtime = loadTensorflow(settings);
  const memory = trainingMemory(runtime.tf, student, settings.executor);
  yield { type: 'note', message: describeMemory(memory, student) };
  const { stepper, xla, warning } = createExecutor(runtime.tf, student.program, settings);
  if (warning !== null) yield { type: 'warning', message: warning };
  if (xla) yield { type: 'environment', name: 'xla', value: 'on' };
  try {
    yield* describeStudent(student, stepper, runtime);
    const now = () => performance.now();
    const time = await expectedTime({ stepper, student, settings, inputs, transferSet, now });
    if (time !== null) yield { type: 'note', message: describeTime(time, settings) };
    const trained = yield* resumeAndTrain(context, inputs, {
      settings,
      transferSet,
      ...(temperatures.others.length > 0 && { transferSetAt }),
      student,
      stepper,
      ranOn: { ...runtime, isCompiled: xla },
    });
    stepper.restore(withAnsweringWeights(stepper.state(), trained.weights));
    yield* writeOutputs(context, inputs, student, stepper, trained);
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

interface Workbench {
  readonly settings: Settings;
  readonly transferSet: TransferSet;
  readonly transferSetAt?: TransferSetAt;
  readonly student: StudentSetup;
  readonly stepper: Stepper;
  readonly ranOn: RanOn;
}

/** Goes on from the checkpoint of an interrupted run where there is one. */
async function* resumeAndTrain(
  context: StageContext<TrainStudentConfig>,
  inputs: TrainingInputs,
  bench: Workbench,
): AsyncGenerator<StageEvent, Trained, void> {
  const { settings, transferSet, transferSetAt, student, stepper, ranOn } = bench;
  const { architecture, buckets, layout, shape } = student;
  const folder = outputOf(context, 'checkpoints');
  const recipe = recipeOf(context.config, inputs, student, ranOn);
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
    parameters: layoutOf(architecture.parameters(shape)).places,
    now: () => Date.now(),
  });
  const forward = { ...layout, buckets, classCount: shape.classCount, signal: context.signal };
  const training = train(
    {
      stepper,
      settings,
      transferSet,
      transferSetAt,
      layout,
      buckets,
      log,
      signal: context.signal,
      checkpoints: { folder, recipe, keep: settings.keepCheckpoints ?? DEFAULT_KEPT_CHECKPOINTS },
      now: () => performance.now(),
      validate: async () => {
        const { tokens } = inputs.validation;
        const { answersPerBatch } = layout;
        if (answersPerBatch !== undefined) {
          const options = { ...forward, answersPerBatch };
          return judgeTokens(inputs.validation, await predictTokens(stepper, tokens, options));
        }
        const rows = { tokens, features: inputs.features?.validation };
        return measured(inputs, await predictRows(stepper, rows, forward), shape.classCount);
      },
    },
    resumed,
  );
  try {
    return yield* training;
  } catch (error) {
    const { task } = context.config;
    const { classNames } = inputs;
    throw await withLastGood(error, { folder, recipe }, (place, weights) => {
      const tokenizer = inputOf(context, 'tokenizer/student');
      return writeStudent(place, { architecture, shape, weights, classNames, task }, tokenizer);
    });
  }
}

function measured(
  { validation: rows, judge }: TrainingInputs,
  logits: Float32Array,
  classCount: number,
): Measurement {
  if (judge !== undefined) return judgeValues(judge, logits, classCount);
  const validation = validate(rows, logits, classCount);
  return { validation, score: scoreOf(rows, validation) };
}

function doubtIn({ validation, judge }: TrainingInputs): string | null {
  return judge === undefined ? doubtAboutTeacher(validation) : doubtAboutValues(judge);
}

/** Writes everything but the log: weights, graph, tokenizer, probe and the answers to all rows. */
async function* writeOutputs(
  context: StageContext<TrainStudentConfig>,
  { classNames, train, validation, features }: TrainingInputs,
  { architecture, shape, layout, buckets, initialisation }: StudentSetup,
  stepper: Stepper,
  { weights, step }: Trained,
): AsyncGenerator<StageEvent, void, void> {
  const { classCount } = shape;
  const forward = { ...layout, buckets, classCount, signal: context.signal };
  const folder = outputOf(context, 'student');
  const { task } = context.config;
  const tokenizer = inputOf(context, 'tokenizer/student');
  await writeStudent(folder, { architecture, shape, weights, classNames, task }, tokenizer);
  if (initialisation !== undefined) await writeInitialisation(folder, initialisation);
  yield { type: 'note', message: `the student has the weights of step ${step}` };
  const predictions = outputOf(context, 'predictions');
  const { answersPerBatch } = layout;
  if (answersPerBatch !== undefined) {
    const { tokens } = validation;
    const scores = await predictTokens(stepper, tokens, { ...forward, answersPerBatch });
    await writeProbe(folder, tokenProbe(tokens, scores, classCount));
    await writePredictions(predictions, 'validation', tokenPredictions(tokens, scores));
    return;
  }
  const predict = (rows: PredictedRows) => predictRows(stepper, rows, forward);
  const answering = { classCount, task, predict };
  const splits = {
    validation: { tokens: validation.tokens, features: features?.validation },
    train: { tokens: train, features: features?.train },
  };
  await writeProbe(folder, await probeOf(Object.values(splits), answering));
  for (const split of ['validation', 'train'] as const) {
    await writeSplitPredictions(predictions, split, splits[split], answering);
  }
}
