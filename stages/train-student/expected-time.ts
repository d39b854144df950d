import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { inferenceFeeds } from './batches/batch-feeds.ts';
import { stepOverBatch } from './batches/batch-parts.ts';
import { bucketIndexOf } from './batches/buckets.ts';
import { tokenLengths } from './batches/token-rows.ts';
import { firstTokenAsked } from './language/language-step.ts';
import { valueAt } from './settings/schedules.ts';
import type { Settings } from './settings.ts';
import type { StudentSetup } from './student-setup.ts';
import type { TrainingInputs } from './training-inputs.ts';
import type { TransferRow, TransferSet } from './transfer-set.ts';

/** What a training will do, and with what it can be tried. */
export interface Plan {
  readonly stepper: Stepper;
  readonly student: Pick<StudentSetup, 'layout' | 'buckets'>;
  readonly settings: Settings;
  readonly inputs: Pick<TrainingInputs, 'validation'>;
  readonly transferSet: TransferSet;
  /** Milliseconds that pass. */
  readonly now: () => number;
}

/** Of a training from its first step on. */
export interface ExpectedTime {
  /** Of one step, over all lengths as they come up. */
  readonly stepMs: number;
  readonly totalMs: number;
}

/**
 * Takes a few steps of each length on real rows, measures them and puts the stepper back as it was. Null where the
 * training is so short that this would be a good part of it.
 */
export async function expectedTime(plan: Plan): Promise<ExpectedTime | null> {
  const { stepper, student, settings, transferSet, inputs } = plan;
  const { buckets } = student;
  if (settings.steps < SHORT * buckets.length) return null;
  const rows = await transferSet.readShard(0);
  const before = stepper.state();
  const measured = buckets.map((bucket) => costOf(plan, bucket, rows));
  // A length of which the first shard has no row is taken for the next one.
  const costs = measured.map((_, index) =>
    measured.slice(index).find((cost) => cost !== undefined),
  );
  stepper.restore(before);
  const meanOf = (lengths: readonly number[], costOf: (bucket: number) => number): number =>
    lengths.reduce((sum, length) => sum + costOf(bucketIndexOf(length, buckets)), 0) /
    Math.max(1, lengths.length);
  const stepMs = meanOf(transferSet.lengths, (bucket) => costs[bucket]?.stepMs ?? 0);
  const validation = tokenLengths(inputs.validation.tokens);
  const { batchSize } = student.layout;
  const measuringMs =
    (validation.length / batchSize) *
    meanOf(validation, (bucket) => costs[bucket]?.evaluationMs ?? 0);
  const measurements = Math.ceil(settings.steps / settings.evaluateEvery);
  return { stepMs, totalMs: settings.steps * stepMs + measurements * measuringMs };
}

/** `about 2 min: 1,500 steps of 74 ms each, and 6 measurements` */
export function describeTime(
  { stepMs, totalMs }: ExpectedTime,
  { steps, evaluateEvery }: Pick<Settings, 'steps' | 'evaluateEvery'>,
): string {
  const measurements = Math.ceil(steps / evaluateEvery);
  const minutes = totalMs / 60_000;
  const time = minutes < 1 ? `${Math.ceil(totalMs / 1000)} s` : `${Math.round(minutes)} min`;
  const each = `${steps.toLocaleString('en-US')} steps of ${stepMs.toPrecision(2)} ms`;
  return `takes about ${time}: ${each} and ${measurements} measurements on validation`;
}

interface Cost {
  readonly stepMs: number;
  readonly evaluationMs: number;
}

function costOf(
  { stepper, student: { layout }, settings, now }: Plan,
  bucket: number,
  shard: readonly TransferRow[],
): Cost | undefined {
  const fitting = shard.filter(({ tokenIds }) => tokenIds.length <= bucket);
  if (fitting.length === 0) return undefined;
  const batch = { rows: fitting.slice(0, settings.batchSize), bucket };
  const { temperature, softLossWeight, hardLossWeight, steps, seed } = settings;
  const scalars = {
    temperature: valueAt(temperature, 0, steps),
    softLossWeight: valueAt(softLossWeight, 0, steps),
    hardLossWeight: valueAt(hardLossWeight, 0, steps),
  };
  const options = { layout, scalars, seed, step: 0, learningRate: 0 };
  const rows = batch.rows.slice(0, layout.batchSize);
  return {
    stepMs: fastest(now, () => stepOverBatch(stepper, batch, options)),
    evaluationMs: fastest(now, () =>
      stepper.evaluate(bucket, {
        ...inferenceFeeds(rows, bucket, layout),
        ...firstTokenAsked(layout, bucket),
      }),
    ),
  };
}

/** The first call is not counted: the session plans its graph then. */
function fastest(now: () => number, call: () => unknown): number {
  call();
  const times = Array.from({ length: REPEATS }, () => {
    const start = now();
    call();
    return now() - start;
  });
  return Math.min(...times);
}

const REPEATS = 2;
/** Steps a length below which nothing is tried. */
const SHORT = 50;
