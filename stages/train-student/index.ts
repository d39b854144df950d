import { digestOf } from '#cache/digest.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { writeProbe } from '#datasets/probe.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { defineStage, type StageContext, type StageEvent } from '#stages/stage.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { loadTensorflow, type Runtime } from '#stages/tensorflow/runtime.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { checkpointedStep, readCheckpoint, removeCheckpoint } from './checkpoint.ts';
import { targetSource } from './mixed-caches.ts';
import { type PredictedSplit, probeOf, writeSplitPredictions, writeStudent } from './outputs.ts';
import { predictRows } from './predict-rows.ts';
import {
  type Settings,
  settingsOf,
  type TrainStudentConfig,
  trainStudentConfig,
} from './settings.ts';
import { type StudentSetup, setUpStudent } from './student-setup.ts';
import { type Trained, train } from './training.ts';
import { readTrainingInputs, type TrainingInputs } from './training-inputs.ts';
import { openTrainingLog } from './training-log.ts';
import { openTransferSet, type TransferSet } from './transfer-set.ts';
import { doubtAboutTeacher, scoreOf, validate } from './validation.ts';
import { openWordTransferSet } from './word-transfer-set.ts';

const speedKnobs: readonly (keyof TrainStudentConfig)[] = [
  'deviceId',
  'checkpointEvery',
  'memoryLimitMb',
];

/** Trains a student from cached soft labels and gold labels; the teacher is not needed any more. */
export const trainStudent = defineStage<TrainStudentConfig>({
  name: 'train-student',
  version: 1,
  configSchema: trainStudentConfig,
  speedKnobs,
  outputs: {
    student: { formatVersion: 1 },
    predictions: { formatVersion: 1 },
    log: { formatVersion: 1, volatile: ['metrics.jsonl'] },
    checkpoints: { formatVersion: 1, volatile: ['checkpoint.bin'] },
  },

  rehearsal: (config) => ({ ...config, steps: 1, evaluateEvery: 1, checkpointEvery: 1 }),
  describePartial: async (outputs) => {
    const step = await checkpointedStep(outputs['checkpoints'] ?? '');
    return step === null ? 'no checkpoint yet' : `checkpoint after step ${step}`;
  },

  async *run(context) {
    const inputs = await readTrainingInputs(context);
    try {
      yield* trainOn(context, inputs);
    } finally {
      for (const { reader } of inputs.softLabels) await reader.close();
    }
  },
});

async function* trainOn(
  context: StageContext<TrainStudentConfig>,
  inputs: TrainingInputs,
): AsyncGenerator<StageEvent, void, void> {
  const settings = settingsOf(context.config);
  const transferSet = await transferSetOf(inputs, settings);
  const student = await setUpStudent(settings, inputs, transferSet, {
    tokenizer: inputOf(context, 'tokenizer/student'),
    initFrom: context.inputs['initFrom'],
  });
  yield* describeRows(transferSet, inputs, settings);
  const doubt = settings.softLossWeight > 0 ? doubtAboutTeacher(inputs.validation) : null;
  if (doubt !== null) yield { type: 'warning', message: doubt };
  context.signal.throwIfAborted();
  const runtime = loadTensorflow(settings);
  const createStepper = settings.executor === 'graph' ? createGraphStepper : createEagerStepper;
  const stepper = createStepper(runtime.tf, student.program);
  try {
    yield* describeStudent(student, stepper, runtime);
    const trained = yield* resumeAndTrain(context, inputs, {
      settings,
      transferSet,
      student,
      stepper,
      runtime,
    });
    stepper.restore({ ...stepper.state(), weights: trained.weights });
    yield* writeOutputs(context, inputs, student, stepper, trained);
    yield { type: 'count', name: 'eagerSteps', value: stepper.eagerSteps };
  } finally {
    stepper.dispose();
  }
  await removeCheckpoint(outputOf(context, 'checkpoints'));
}

async function transferSetOf(inputs: TrainingInputs, settings: Settings): Promise<TransferSet> {
  const { train: tokens, gold, wordGold } = inputs;
  const softTargets = await targetSource(inputs.softLabels, settings);
  const memoryLimitBytes = settings.memoryLimitMb * 2 ** 20;
  const leavesOut = settings.unanswered === 'leave-out';
  return wordGold === undefined
    ? openTransferSet({ tokens, gold, softTargets, memoryLimitBytes, leavesOut })
    : openWordTransferSet({ tokens, gold: wordGold, softTargets, memoryLimitBytes });
}

interface Workbench {
  readonly settings: Settings;
  readonly transferSet: TransferSet;
  readonly student: StudentSetup;
  readonly stepper: Stepper;
  readonly runtime: Runtime;
}

/** Goes on from the checkpoint of an interrupted run where there is one. */
async function* resumeAndTrain(
  context: StageContext<TrainStudentConfig>,
  inputs: TrainingInputs,
  { settings, transferSet, student, stepper, runtime }: Workbench,
): AsyncGenerator<StageEvent, Trained, void> {
  const { buckets, layout, shape } = student;
  const folder = outputOf(context, 'checkpoints');
  const recipe = recipeOf(context.config, inputs, student, runtime);
  const resumed = await readCheckpoint(folder, recipe);
  if (resumed !== null) {
    yield {
      type: 'note',
      message: `goes on after step ${resumed.state.step} of ${settings.steps}`,
    };
  }
  const log = await openTrainingLog(outputOf(context, 'log'), resumed?.state.step ?? 0);
  const forward = { ...layout, buckets, classCount: shape.classCount, signal: context.signal };
  return yield* train(
    {
      stepper,
      settings,
      transferSet,
      layout,
      buckets,
      log,
      signal: context.signal,
      checkpoints: { folder, recipe },
      validate: async () => {
        const logits = await predictRows(stepper, inputs.validation.tokens, forward);
        const validation = validate(inputs.validation, logits, shape.classCount);
        return { validation, score: scoreOf(inputs.validation, validation) };
      },
    },
    resumed,
  );
}

/** Writes everything but the log: weights, graph, tokenizer, probe and the answers to all rows. */
async function* writeOutputs(
  context: StageContext<TrainStudentConfig>,
  { classNames, train, validation }: TrainingInputs,
  { architecture, shape, layout, buckets }: StudentSetup,
  stepper: Stepper,
  { weights, step }: Trained,
): AsyncGenerator<StageEvent, void, void> {
  const { classCount } = shape;
  const forward = { ...layout, buckets, classCount, signal: context.signal };
  const predict = async (split: 'train' | 'validation'): Promise<PredictedSplit> => {
    const tokens = split === 'train' ? train : validation.tokens;
    return { split, tokens, classCount, logits: await predictRows(stepper, tokens, forward) };
  };
  const splits = [await predict('validation'), await predict('train')];
  const folder = outputOf(context, 'student');
  const tokenizer = inputOf(context, 'tokenizer/student');
  await writeStudent(folder, { architecture, shape, weights, classNames }, tokenizer);
  await writeProbe(folder, probeOf(splits));
  for (const split of splits) {
    await writeSplitPredictions(outputOf(context, 'predictions'), split);
  }
  yield { type: 'note', message: `the student has the weights of step ${step}` };
}

/** Everything that decides the weights: a checkpoint is only taken up by the training it belongs to. */
function recipeOf(
  config: TrainStudentConfig,
  { train, validation }: TrainingInputs,
  { program, buckets, shape }: StudentSetup,
  { version, device }: Runtime,
): string {
  const { tokenIds } = train;
  const decisive = Object.entries(config).filter(([name]) => !isSpeedKnob(name));
  return fingerprintOf({
    config: Object.fromEntries(decisive),
    buckets,
    shape,
    version,
    device,
    examples: digestOf([...train.exampleIds, ...validation.tokens.exampleIds].join()),
    tokens: digestOf(new Uint8Array(tokenIds.buffer, tokenIds.byteOffset, tokenIds.byteLength)),
    initialWeights: digestOf(new Uint8Array(program.initialWeights.buffer)),
  });
}

function isSpeedKnob(name: string): boolean {
  return speedKnobs.some((knob) => knob === name);
}

function* describeRows(
  { rowCount, goldCount, leftOut }: TransferSet,
  inputs: TrainingInputs,
  { hardLossWeight }: Settings,
): Generator<StageEvent> {
  yield { type: 'count', name: 'transferRows', value: rowCount };
  yield { type: 'count', name: 'goldRows', value: goldCount };
  if (goldCount === 0 && hardLossWeight > 0) {
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

function* describeStudent(
  { buckets, program }: StudentSetup,
  stepper: Stepper,
  { version, device }: Runtime,
): Generator<StageEvent> {
  yield { type: 'environment', name: 'tensorflow', value: version };
  yield { type: 'environment', name: 'device', value: device };
  yield { type: 'environment', name: 'executor', value: stepper.kind };
  yield { type: 'count', name: 'parameters', value: program.initialWeights.length };
  yield { type: 'note', message: `inputs are padded to ${buckets.join(', ')} tokens` };
}
