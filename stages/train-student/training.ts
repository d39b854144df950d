import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '#cache/failure.ts';
import { randomPair } from '#stages/numerics/random.ts';
import type { StageEvent } from '#stages/stage.ts';
import {
  answeringWeights,
  type Stepper,
  type StepResult,
} from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeeds } from './batch-feeds.ts';
import { type Batch, trainingBatches } from './batches.ts';
import type { Best, Checkpoint } from './checkpoint.ts';
import { type CheckpointFolder, saveCheckpoint } from './checkpoint-folder.ts';
import { checkpointTimes } from './checkpoint-times.ts';
import { learningRateAt } from './schedule.ts';
import type { Settings } from './settings.ts';
import type { TrainingLine, TrainingLog } from './training-log.ts';
import type { TransferSet } from './transfer-set.ts';
import type { Score, Validation } from './validation.ts';

/** What one training needs. */
export interface Training {
  readonly stepper: Stepper;
  readonly settings: Settings;
  readonly transferSet: TransferSet;
  readonly layout: BatchLayout;
  readonly buckets: readonly number[];
  /** Measures the weights that the stepper holds; throws `signal.reason` on abort. */
  readonly validate: () => Promise<Measurement>;
  readonly log: TrainingLog;
  readonly checkpoints: CheckpointFolder;
  /** Milliseconds that pass. */
  readonly now: () => number;
  readonly signal: AbortSignal;
}

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
  let validation: Validation | null = null;
  const save = (): Promise<void> => saveCheckpoint(checkpoints, { state: stepper.state(), best });
  const isCheckpointDue = checkpointTimes(settings, training.now);
  const batches = trainingBatches(training.transferSet, { ...settings, ...training }, step);
  let recent: StepResult[] = [];
  try {
    for (; ; step++) {
      // Before the step and not after it: a checkpoint at this step then measures again, with the same
      // result, and no measurement is lost when an abort comes in the middle of one.
      if (isDue(step, settings.evaluateEvery, settings.steps)) {
        const measured = await training.validate();
        validation = measured.validation;
        best = betterOf(best, measured.score, step, stepper);
        await training.log.append({ step, ...validation });
        await training.log.describe(stepper.state());
        yield* validationEvents(step, validation);
      }
      if (isDue(step, logEvery, settings.steps) && recent.length > 0) {
        const line = trainingLine(step, recent, learningRateAt(step - 1, settings));
        await training.log.append(line);
        yield* lossEvents(line, settings.steps, validation);
        recent = [];
      }
      if (isCheckpointDue(step)) await save();
      if (step >= settings.steps) break;
      // A turn of the event loop, so that an abort that came in is seen.
      await nextTurn();
      signal.throwIfAborted();
      recent.push(takeStep(training, step, (await batches.next()).value));
    }
  } catch (error) {
    if (signal.aborted && error === signal.reason) await save();
    throw error;
  }
  if (settings.keep === 'last' || best === null)
    return { weights: answeringWeights(stepper.state()), step };
  return best;
}

/** The loss is no longer a number. */
export class DivergedError extends Failure {
  constructor(step: number, learningRate: number, { loss, gradNorm }: StepResult) {
    super(
      'model',
      'E_TRAINING_DIVERGED',
      `step ${step}: the loss is ${loss} and the gradient norm ${gradNorm} (learning rate ${learningRate})`,
      `set a lower learningRate, such as ${learningRate / 3}, or a lower maxGradNorm`,
    );
  }
}

function takeStep({ stepper, settings, layout }: Training, step: number, batch: Batch): StepResult {
  const feeds = trainingFeeds(batch, layout, {
    ...settings,
    dropoutSeed: randomPair(settings.seed, 'dropout', step),
  });
  const result = stepper.step(batch.bucket, feeds, learningRateAt(step, settings));
  if (!Number.isFinite(result.loss) || !Number.isFinite(result.gradNorm)) {
    throw new DivergedError(step + 1, settings.learningRate, result);
  }
  return result;
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

function trainingLine(
  step: number,
  recent: readonly StepResult[],
  learningRate: number,
): TrainingLine {
  const mean = (valueOf: (result: StepResult) => number): number =>
    recent.reduce((sum, result) => sum + valueOf(result), 0) / recent.length;
  const partNames = Object.keys(recent[0]?.parts ?? {});
  const parts = partNames.map((name) => [name, mean(({ parts }) => parts[name] ?? Number.NaN)]);
  return {
    step,
    loss: mean(({ loss }) => loss),
    ...Object.fromEntries(parts),
    gradNorm: mean(({ gradNorm }) => gradNorm),
    learningRate,
  };
}

function* lossEvents(
  { step, ...values }: TrainingLine,
  steps: number,
  validation: Validation | null,
): Generator<StageEvent> {
  const detail = [`loss ${values.loss.toFixed(3)}`, ...validationDetail(validation)].join(' · ');
  yield { type: 'progress', done: step, total: steps, unit: 'steps', detail };
  for (const [name, value] of Object.entries(values)) yield { type: 'metric', name, value, step };
}

function* validationEvents(step: number, validation: Validation): Generator<StageEvent> {
  for (const [name, value] of Object.entries(validation)) {
    if (value !== null) yield { type: 'metric', name, value, step };
  }
}

function validationDetail(validation: Validation | null): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  if (validation === null) return [];
  const { validationAccuracy, validationError, agreement, entityF1, validationNll } = validation;
  if (validationNll !== undefined) {
    return [`validation perplexity ${Math.exp(validationNll).toPrecision(4)}`];
  }
  if (entityF1 !== undefined) return [`validation F1 ${percent(entityF1)}`];
  if (validationError) return [`validation error ${validationError.toPrecision(3)}`];
  if (validationAccuracy !== null) return [`validation ${percent(validationAccuracy)}`];
  return agreement === null ? [] : [`agreement ${percent(agreement)}`];
}

/** Steps between two lines of the log. */
const logEvery = 25;
