import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { ParameterPlace } from '#stages/students/parameters.ts';
import { openEventFile } from '#stages/tensorboard/event-file.ts';
import { histogramOf } from '#stages/tensorboard/histogram.ts';
import type { OptimizerState } from '#stages/tensorflow/step-program.ts';

/** Means over the steps since the line before. */
export interface TrainingLine {
  readonly step: number;
  readonly loss: number;
  readonly softLoss?: number;
  readonly hardLoss?: number;
  readonly hintLoss?: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Share of the time in which steps waited for their batches. */
  readonly waitShare: number;
}

/** What the student knows after `step` steps; null where there is nothing to compare with. */
export interface ValidationLine {
  readonly step: number;
  readonly validationAccuracy: number | null;
  readonly agreement: number | null;
  /** Of multi-label. */
  readonly validationMicroF1?: number | null;
  /** Of regression: mean squared error, and correlation with gold. */
  readonly validationError?: number | null;
  readonly validationCorrelation?: number | null;
  readonly entityF1?: number;
  /** Of language models: negative log-likelihood of a token, in nats. */
  readonly validationNll?: number;
  /** Of a further head, by its name. */
  readonly [figure: `${string}.${string}`]: number | null;
}

/** `metrics.jsonl` with one line a measurement, and the same for TensorBoard. */
export interface TrainingLog {
  append(line: TrainingLine | ValidationLine): Promise<void>;
  /**
   * For TensorBoard: how the weights of each parameter are spread and how long its gradient is, as the mean of
   * the last ones (AdamW) or their sum that momentum makes (SGD); nothing where the optimiser keeps neither.
   */
  describe(state: OptimizerState): Promise<void>;
}

export interface TrainingLogOptions {
  /** The training goes on after it; 0 at the start. */
  readonly step: number;
  /** Where each parameter lies in the weights. */
  readonly parameters: readonly ParameterPlace[];
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Opens the log of a training that goes on after `step`. Later lines of an interrupted run are dropped,
 * and so is the validation at `step`, which is measured again.
 */
export async function openTrainingLog(
  folder: string,
  { step, parameters, now }: TrainingLogOptions,
): Promise<TrainingLog> {
  const path = join(folder, 'metrics.jsonl');
  const earlier = await readFile(path, 'utf8').catch(() => '');
  const kept = earlier.split('\n').filter((line) => stepOf(line) <= step);
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
  const isFinal = (event: { readonly step: number; readonly tag: string }) =>
    event.step < step || (event.step === step && event.tag.startsWith(TRAIN));
  const events = await openEventFile(folder, isFinal, now);
  return {
    async append(line) {
      await appendFile(path, `${JSON.stringify(line)}\n`);
      const { step: at, ...values } = line;
      const group = 'loss' in line ? TRAIN : 'validation/';
      const numbers = Object.entries(values).flatMap(([name, value]) =>
        value === null ? [] : [[name, value] as const],
      );
      await events.append(at, tagged(group, numbers));
    },
    async describe({ step: at, weights, slots }) {
      const ofEach = <Value>(vector: Float32Array, valueOf: (part: Float32Array) => Value) =>
        parameters.map(({ name, offset, length }): [string, Value] => {
          return [name, valueOf(vector.subarray(offset, offset + length))];
        });
      await events.append(at, {
        ...tagged(
          'weights/',
          ofEach(weights, (part) => histogramOf(part)),
        ),
        ...Object.fromEntries(
          Object.entries(GRADIENT_SLOTS).flatMap(([slot, group]) => {
            const kept = slots[slot];
            return kept === undefined ? [] : Object.entries(tagged(group, ofEach(kept, normOf)));
          }),
        ),
      });
    },
  };
}

function tagged<Value>(
  group: string,
  values: readonly (readonly [string, Value])[],
): Record<string, Value> {
  return Object.fromEntries(values.map(([name, value]) => [`${group}${name}`, value]));
}

function normOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** Step after which a line is final; Infinity for the torn last line of a killed run. */
function stepOf(line: string): number {
  try {
    const { step, validationAccuracy } = logged.parse(JSON.parse(line));
    return validationAccuracy === undefined ? step : step + 1;
  } catch {
    return Infinity;
  }
}

const logged = z.object({ step: z.int(), validationAccuracy: z.number().nullish() });

const TRAIN = 'train/';
/** What optimisers keep of the last gradients, about ten of them, and what it is called: their mean, or their sum. */
export const GRADIENT_SLOTS: Readonly<Record<string, string>> = {
  firstMoment: 'gradients/',
  velocity: 'velocity/',
};
