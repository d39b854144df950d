import { Failure } from '#cache/failure.ts';
import { temperatureIndex } from '#datasets/soft-labels/soft-labels.ts';
import {
  describeSchedule,
  type Scheduled,
  valuesOf,
} from '#stages/train-student/settings/schedules.ts';
import type { Settings } from '#stages/train-student/settings.ts';
import type { TrainingInputs } from '#stages/train-student/training-inputs.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';
import type { TeacherCache } from './mixed-caches.ts';

/** A temperature moves through values that the soft targets cannot follow. */
export class MovingTemperatureError extends Failure {
  constructor(schedule: Scheduled, stored: readonly number[]) {
    const values = between(schedule, stored);
    const at = values.slice(1).map((_, index) => Number(((index + 1) / values.length).toFixed(2)));
    const steps =
      values.length > 1
        ? `set temperature: { kind: step, values: [${values.join(', ')}], at: [${at.join(', ')}] }, or `
        : '';
    super(
      'usage',
      'E_TEMPERATURE_MOVES',
      `temperature: ${describeSchedule(schedule)} takes every value between, and soft labels of a top k, of draws, of windows and of several teachers are of the temperatures that are stored: ${stored.join(', ')}`,
      `${steps}keep every logit of one teacher: soft-label.keep: all`,
    );
  }
}

/** How soft targets follow the temperature. */
export interface TemperaturePlan {
  /** Of the rows that a training begins with. */
  readonly first: number;
  /** Temperatures that want targets of their own; empty where these are logits, which serve all. */
  readonly others: readonly number[];
}

/** Refuses a temperature that moves where the soft targets are of stored temperatures, and one that is not stored. */
export function temperaturePlan(
  { softLabels, views }: TrainingInputs,
  { temperature }: Settings,
): TemperaturePlan {
  const values = valuesOf(temperature);
  const [first = Number.NaN] = values ?? [];
  const sources = [softLabels, views?.softLabels ?? []];
  if (sources.every(servesEveryTemperature)) return { first: values?.[0] ?? 1, others: [] };
  if (values === null) throw new MovingTemperatureError(temperature, storedIn(softLabels));
  for (const { meta } of sources.flat().map(({ reader }) => reader)) {
    if (meta.mode !== 'dense') for (const value of values) temperatureIndex(meta, value);
  }
  return { first, others: values.slice(1) };
}

/** The soft targets of each temperature, opened when it is their turn. */
export type TransferSetAt = (temperature: number) => Promise<TransferSet>;

/** Logits that nothing was mixed of are divided by the temperature in the step. */
function servesEveryTemperature(caches: readonly TeacherCache[]): boolean {
  const [first, ...others] = caches;
  if (first === undefined) return true;
  const { mode, perWindow } = first.reader.meta;
  return others.length === 0 && mode === 'dense' && perWindow !== true;
}

function storedIn(caches: readonly TeacherCache[]): readonly number[] {
  const [first, ...others] = caches.map(({ reader }) => reader.meta.temperatures);
  return (first ?? []).filter((stored) => others.every((some) => some.includes(stored)));
}

/** Stored temperatures within the schedule, in its direction. */
function between(schedule: Scheduled, stored: readonly number[]): number[] {
  if (typeof schedule === 'number' || schedule.kind === 'step') return [];
  const [low, high] = [schedule.from, schedule.to].sort((a, b) => a - b);
  const inside = stored.filter((one) => one >= (low ?? 0) && one <= (high ?? 0));
  const rising = inside.sort((a, b) => a - b);
  return schedule.from <= schedule.to ? rising : rising.toReversed();
}
