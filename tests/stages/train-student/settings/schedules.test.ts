import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  largestOf,
  type Scheduled,
  stretchesOf,
  valueAt,
  valuesOf,
} from '#stages/train-student/settings/schedules.ts';
import { trainStudentConfig } from '#stages/train-student/settings.ts';

const over = (schedule: Scheduled, ...steps: number[]) =>
  steps.map((step) => Number(valueAt(schedule, step, 101).toFixed(6)));

test('a number stays what it is', () => {
  assert.deepEqual(over(2, 0, 50, 100), [2, 2, 2]);
});

test('linear and cosine go from the first step to the last, or between two shares of them', () => {
  assert.deepEqual(over({ kind: 'linear', from: 4, to: 1 }, 0, 50, 100), [4, 2.5, 1]);
  assert.deepEqual(over({ kind: 'cosine', from: 4, to: 2 }, 0, 25, 50, 100), [4, 3.707107, 3, 2]);
  const part = { kind: 'linear', from: 0, to: 1, begin: 0.2, end: 0.6 } as const;
  assert.deepEqual(over(part, 0, 20, 40, 60, 100), [0, 0, 0.5, 1, 1]);
});

test('step takes the next value from its share of the steps on', () => {
  const schedule = { kind: 'step', values: [4, 2, 1], at: [0.25, 0.5] } as const;
  const mutable = { ...schedule, values: [...schedule.values], at: [...schedule.at] };
  assert.deepEqual(
    [0, 24, 25, 49, 50, 99].map((step) => valueAt(mutable, step, 100)),
    [4, 4, 2, 2, 1, 1],
  );
  assert.deepEqual(stretchesOf(mutable, 100), [
    { value: 4, from: 0 },
    { value: 2, from: 25 },
    { value: 1, from: 50 },
  ]);
});

test('a warm-up rises in equal parts to what follows it', () => {
  const warm = { kind: 'step', values: [8], at: [], warmup: 0.04 } satisfies Scheduled;
  assert.deepEqual(over(warm, 0, 1, 3, 4), [2, 4, 8, 8]);
});

test('the values of a schedule are told where they can be, and its largest', () => {
  assert.deepEqual(valuesOf({ kind: 'step', values: [2, 1, 2], at: [0.3, 0.6] }), [2, 1]);
  assert.equal(valuesOf({ kind: 'linear', from: 1, to: 2 }), null);
  assert.equal(largestOf({ kind: 'cosine', from: 0, to: 0.9 }), 0.9);
});

test('a schedule that makes no sense is refused with its path', () => {
  const problemsOf = (config: object) => {
    const { error } = trainStudentConfig.safeParse(config);
    return JSON.stringify(error?.issues ?? []);
  };
  assert.match(problemsOf({ temperature: { kind: 'linear', from: 0, to: 2 } }), /"from"/);
  const early = { kind: 'linear', from: 1, to: 2, begin: 0.5, end: 0.5 };
  assert.match(problemsOf({ softLossWeight: early }), /must be more than begin/);
  const short = { kind: 'step', values: [1, 2], at: [] };
  assert.match(problemsOf({ temperature: short }), /one share of the steps less/);
  const back = { kind: 'step', values: [1, 2, 3], at: [0.5, 0.4] };
  assert.match(problemsOf({ learningRate: back }), /must rise/);
  const warm = { kind: 'linear', from: 1, to: 2, warmup: 0.1 };
  assert.match(problemsOf({ temperature: warm }), /warmup/);
  assert.match(
    problemsOf({ softLossWeight: { ...warm, to: 0, from: 0 }, hardLossWeight: 0 }),
    /nothing to learn/,
  );
  assert.match(problemsOf({ batchSize: 32, accumulate: 3 }), /must divide batchSize/);
  assert.match(problemsOf({ xla: true, executor: 'eager' }), /set executor: graph/);
  assert.match(problemsOf({ sampling: 'balanced', task: 'regression' }), /rows of one class/);
});
