import { z } from 'zod';

/** A number that may change over the steps of a training. */
export type Scheduled = number | Moving | Stepped;

/** Moves from one value to another between two shares of the steps and stands still before and after. */
interface Moving {
  readonly kind: 'linear' | 'cosine';
  readonly from: number;
  readonly to: number;
  readonly begin?: number | undefined;
  readonly end?: number | undefined;
  readonly warmup?: number | undefined;
}

/** Takes one value after the other: the second from the first share of the steps on. */
interface Stepped {
  readonly kind: 'step';
  readonly values: number[];
  readonly at: number[];
  readonly warmup?: number | undefined;
}

/** Setting of a scheduled number; with a warm-up it may begin at 0. */
export function scheduled(
  value: z.ZodType<number, number>,
  { warmup }: { readonly warmup: boolean },
): z.ZodType<Scheduled, Scheduled> {
  const moving = z.strictObject({
    kind: z.enum(['linear', 'cosine']),
    from: value,
    to: value,
    begin: share.optional(),
    end: share.optional(),
  });
  const stepped = z.strictObject({
    kind: z.literal('step'),
    values: z.array(value).min(1),
    at: z.array(share),
  });
  const rise = { warmup: share.optional() };
  return z.union([
    value,
    checkedMoving(warmup ? moving.extend(rise) : moving),
    checkedSteps(warmup ? stepped.extend(rise) : stepped),
  ]);
}

function checkedMoving(schema: z.ZodType<Moving, Moving>): z.ZodType<Moving, Moving> {
  return schema.refine(({ begin = 0, end = 1 }) => begin < end, {
    path: ['end'],
    message: 'must be more than begin',
  });
}

function checkedSteps(schema: z.ZodType<Stepped, Stepped>): z.ZodType<Stepped, Stepped> {
  const rises = (at: readonly number[]) => at.every((one, i) => one > (at[i - 1] ?? -1));
  return schema
    .refine(({ values, at }) => values.length === at.length + 1, {
      path: ['at'],
      message: 'needs one share of the steps less than there are values',
    })
    .refine(({ at }) => rises(at), { path: ['at'], message: 'must rise' });
}

/** The value in a step, counted from 0. The first step has `from`, the last one `to`. */
export function valueAt(schedule: Scheduled, step: number, steps: number): number {
  if (typeof schedule === 'number') return schedule;
  const warmupSteps = Math.round((schedule.warmup ?? 0) * steps);
  // + 1, since a first step at 0 would be a wasted one.
  const risen = step < warmupSteps ? (step + 1) / warmupSteps : 1;
  return risen * heightAt(schedule, step, steps);
}

/** The largest value that a schedule takes. */
export function largestOf(schedule: Scheduled): number {
  if (typeof schedule === 'number') return schedule;
  return Math.max(...extremesOf(schedule));
}

/** All values that a schedule takes; null where it takes more than can be told. */
export function valuesOf(schedule: Scheduled): readonly number[] | null {
  if (typeof schedule === 'number') return [schedule];
  if (schedule.kind === 'step') return [...new Set(schedule.values)];
  return schedule.from === schedule.to ? [schedule.from] : null;
}

/** A schedule in words, such as `linear from 4 to 1`. */
export function describeSchedule(schedule: Scheduled): string {
  if (typeof schedule === 'number') return String(schedule);
  if (schedule.kind === 'step') return `step ${schedule.values.join(', ')}`;
  return `${schedule.kind} from ${schedule.from} to ${schedule.to}`;
}

/** Steps of one value after another, with the first step that each begins at. */
export function stretchesOf(schedule: Scheduled, steps: number): { value: number; from: number }[] {
  if (typeof schedule === 'number') return [{ value: schedule, from: 0 }];
  if (schedule.kind !== 'step') return [{ value: schedule.from, from: 0 }];
  const starts = [0, ...schedule.at.map((share) => firstStepOf(share, steps))];
  return schedule.values.map((value, index) => ({ value, from: starts[index] ?? steps }));
}

function heightAt(schedule: Moving | Stepped, step: number, steps: number): number {
  if (schedule.kind === 'step') {
    const reached = schedule.at.filter((share) => firstStepOf(share, steps) <= step).length;
    return schedule.values[reached] ?? Number.NaN;
  }
  const { from, to, begin = 0, end = 1 } = schedule;
  const done = (step / Math.max(1, steps - 1) - begin) / (end - begin);
  const share = Math.min(1, Math.max(0, done));
  const moved = schedule.kind === 'linear' ? share : (1 - Math.cos(Math.PI * share)) / 2;
  return from + (to - from) * moved;
}

function firstStepOf(share: number, steps: number): number {
  return Math.round(share * steps);
}

function extremesOf(schedule: Moving | Stepped): readonly number[] {
  return schedule.kind === 'step' ? schedule.values : [schedule.from, schedule.to];
}

const share = z.number().min(0).max(1);
