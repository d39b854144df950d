import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StageEvent } from '#stages/stage.ts';
import {
  answeringWeights,
  type Stepper,
  type StepResult,
} from '#stages/tensorflow/step-program.ts';
import type { BatchLayout } from './batches/batch-feeds.ts';
import { type ScheduledRows, scheduledBatches } from './batches/scheduled-batches.ts';
import {
  type Best,
  type Checkpoint,
  NO_PROGRESS,
  type Progress,
} from './checkpoints/checkpoint.ts';
import { type CheckpointFolder, saveCheckpoint } from './checkpoints/checkpoint-folder.ts';
import { checkpointTimes } from './checkpoints/checkpoint-times.ts';
import { headBatches } from './heads/head-batches.ts';
import type { HeadTraining } from './heads/head-setup.ts';
import { DivergedError, LossGuard } from './losses/loss-guard.ts';
import { learningRateAt } from './schedule.ts';
import { largestOf } from './settings/schedules.ts';
import type { Settings } from './settings.ts';
import { startStepClock } from './step-clock.ts';
import { takeStep } from './take-step.ts';
import type { TrainingLine, TrainingLog } from './training-log.ts';
import { type Score, type Validation, validationWords } from './validation.ts';

/** What one training needs. */
export interface Training extends ScheduledRows {
  readonly stepper: Stepper;
  readonly settings: Settings;
  readonly layout: BatchLayout;
  readonly buckets: readonly number[];
  /** Of a student with several tasks: all of them, the first one too. */
  readonly heads?: readonly SteppedHead[] | undefined;
  /** Measures the weights that the stepper holds; throws `signal.reason` on abort. */
  readonly validate: () => Promise<Measurement>;
  readonly log: TrainingLog;
  readonly checkpoints: CheckpointFolder;
  /** Milliseconds that pass. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** What a step of one head needs. */
type SteppedHead = Pick<HeadTraining, 'transferSet' | 'layout' | 'buckets' | 'weight' | 'stepper'>;

/** What a student knows, and the score that decides whether to keep it; null: nothing to compare with. */
export interface Measurement {
  readonly validation: Validation;
  readonly score: Score | null;
}

/** Weights of the student and the step they come from. */
export interface Trained {
  readonly weights: Float32Array;
  readonly step: number;
}

/**
 * Runs all steps and returns the weights to keep. Goes on from `resumed` as if nothing had happened; on
 * abort it leaves a checkpoint and throws the signal's reason.
 */
export async function* train(
  training: Training,
  resumed: Checkpoint | null,
): AsyncGenerator<StageEvent, Trained, void> {
  const { stepper, settings, checkpoints, signal } = training;
  if (resumed !== null) stepper.restore(resumed.state);
  let step = resumed?.state.step ?? 0;
  let best = resumed?.best ?? null;
  let { highest } = resumed?.progress ?? NO_PROGRESS;
  let validation: Validation | null = null;
  let savedStep = resumed?.state.step ?? null;
  const guard = new LossGuard(resumed?.progress.firstLoss ?? null);
  const save = async (): Promise<void> => {
    if (!guard.isSound) return;
    const progress = { firstLoss: guard.firstLoss, highest };
    const checkpoint = { state: stepper.state(), best, progress };
    await saveCheckpoint(checkpoints, checkpoint);
    savedStep = step;
  };
  const isCheckpointDue = checkpointTimes(settings, training.now);
  const batches =
    training.heads === undefined
      ? scheduledBatches(training, { ...settings, ...training }, step)
      : headBatches(training.heads, settings, step);
  const clock = startStepClock();
  let recent: StepResult[] = [];
  let examples = 0;
  try {
    for (; ; step++) {
      // Before the step and not after it: a checkpoint at this step then measures again, with the same
      // result, and no measurement is lost when an abort comes in the middle of one.
      if (isDue(step, settings.evaluateEvery, settings.steps)) {
        const measured = await training.validate();
        validation = measured.validation;
        best = betterOf(best, measured.score, step, stepper);
        highest = higherOf(highest, measured.score, step);
        await training.log.append({ step, ...validation });
        await training.log.describe(stepper.state());
        yield* validationEvents(step, validation);
      }
      if (isDue(step, logEvery, settings.steps) && recent.length > 0) {
        const waitShare = clock.waitShare();
        const line = trainingLine(step, recent, learningRateAt(step - 1, settings), waitShare);
        await training.log.append(line);
        yield* lossEvents(line, { steps: settings.steps, examples, validation });
        recent = [];
      }
      if (isCheckpointDue(step)) await save();
      if (step >= settings.steps) break;
      if (isExhausted(highest, step, settings)) {
        yield { type: 'note', message: stoppedEarly(step, highest, settings) };
        break;
      }
      // A turn of the event loop, so that an abort that came in is seen.
      await nextTurn();
      signal.throwIfAborted();
      const batch = await clock.waitFor(batches.next());
      if (batch.done === true) throw new Error(`no batch for step ${step}`);
      examples += batch.value.rows.length;
      const result = clock.time(() => takeStep(training, step, batch.value));
      const problem = guard.problemAfter(result);
      if (problem !== null) {
        const learningRate = largestOf(settings.learningRate);
        throw new DivergedError({ step: step + 1, problem, learningRate, keptStep: savedStep });
      }
      recent.push(result);
    }
  } catch (error) {
    if (signal.aborted && error === signal.reason) await save();
    throw error;
  }
  yield { type: 'note', message: `steps waited for rows ${percent(clock.totalWaitShare())}` };
  if (settings.keep === 'last' || best === null) {
    return { weights: answeringWeights(stepper.state()), step };
  }
  return best;
}

function isDue(step: number, every: number, steps: number): boolean {
  return step > 0 && (step % every === 0 || step === steps);
}

/**
 * The latest weights that are not measurably worse than the best: within one standard error of it. The
 * plain maximum of a few noisy shares often names an early step, which test rows then do not confirm.
 */
function betterOf(
  best: Best | null,
  score: Score | null,
  step: number,
  stepper: Stepper,
): Best | null {
  if (score === null || (best !== null && score.share < best.threshold)) return best;
  const threshold = Math.max(best?.threshold ?? -Infinity, score.share - score.standardError);
  return { weights: answeringWeights(stepper.state()), step, threshold };
}

/** The best measurement so far, and the step at which it came first. */
function higherOf(
  highest: Progress['highest'],
  score: Score | null,
  step: number,
): Progress['highest'] {
  if (score === null || (highest !== null && score.share <= highest.share)) return highest;
  return { share: score.share, step };
}

function isExhausted(
  highest: Progress['highest'],
  step: number,
  { patience, evaluateEvery }: Settings,
): boolean {
  if (patience === undefined || highest === null) return false;
  return step - highest.step >= patience * evaluateEvery;
}

function stoppedEarly(
  step: number,
  highest: Progress['highest'],
  { patience, steps }: Settings,
): string {
  return `stopped after step ${step} of ${steps}: ${patience} measurements on validation were not above that of step ${highest?.step}`;
}

function trainingLine(
  step: number,
  recent: readonly StepResult[],
  learningRate: number,
  waitShare: number,
): TrainingLine {
  const mean = (valueOf: (result: StepResult) => number): number =>
    recent.reduce((sum, result) => sum + valueOf(result), 0) / recent.length;
  // Not every head has gold: a term is told of the steps that had it.
  const partNames = [...new Set(recent.flatMap(({ parts }) => Object.keys(parts)))];
  const parts = partNames.map((name) => {
    const values = recent.flatMap(({ parts }) => parts[name] ?? []);
    return [name, values.reduce((sum, value) => sum + value, 0) / values.length];
  });
  return {
    step,
    loss: mean(({ loss }) => loss),
    ...Object.fromEntries(parts),
    gradNorm: mean(({ gradNorm }) => gradNorm),
    learningRate,
    waitShare,
  };
}

function* lossEvents(
  { step, ...values }: TrainingLine,
  told: {
    readonly steps: number;
    readonly examples: number;
    readonly validation: Validation | null;
  },
): Generator<StageEvent> {
  const { steps, examples, validation } = told;
  const detail = [`loss ${values.loss.toFixed(3)}`, ...validationWords(validation)].join(' · ');
  yield { type: 'progress', done: step, total: steps, unit: 'steps', examples, detail };
  for (const [name, value] of Object.entries(values)) yield { type: 'metric', name, value, step };
}

function* validationEvents(step: number, validation: Validation): Generator<StageEvent> {
  for (const [name, value] of Object.entries(validation)) {
    if (value !== null) yield { type: 'metric', name, value, step };
  }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Steps between two lines of the log. */
const logEvery = 25;
