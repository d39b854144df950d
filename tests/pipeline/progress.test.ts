import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  describeResult,
  formatBytes,
  formatCount,
  formatDuration,
  startMeter,
} from '#pipeline/observers/progress.ts';

test('a meter tells rate and time left from what was done since it started', () => {
  let now = 0;
  const meter = startMeter(() => now);
  const at = (done: number) =>
    meter.describe({ type: 'progress', done, total: 1000, unit: 'rows', detail: 'loss 0.4' });
  assert.equal(at(500), '500/1,000 rows · loss 0.4');
  now = 10_000;
  assert.equal(at(600), '600/1,000 rows · 10 rows/s · 40 s left · loss 0.4');
});

test('a meter tells tokens a second where tokens are counted', () => {
  let now = 0;
  const meter = startMeter(() => now);
  const at = (done: number, tokens: number) =>
    meter.describe({ type: 'progress', done, total: 100, unit: 'rows', tokens });
  at(0, 0);
  now = 2000;
  assert.equal(at(50, 1700), '50/100 rows · 25 rows/s · 850 tokens/s · 2.0 s left');
});

test('a meter tells examples a second of a training that counts steps', () => {
  let now = 0;
  const meter = startMeter(() => now);
  const at = (done: number, examples: number) =>
    meter.describe({ type: 'progress', done, total: 100, unit: 'steps', examples });
  at(25, 800);
  now = 5000;
  assert.equal(at(50, 1600), '50/100 steps · 5 steps/s · 160 examples/s · 10 s left');
});

test('a meter starts anew when the unit changes', () => {
  let now = 0;
  const meter = startMeter(() => now);
  meter.describe({ type: 'progress', done: 100, total: 100, unit: 'rows' });
  now = 10_000;
  assert.equal(meter.describe({ type: 'progress', done: 5, total: 9, unit: 'steps' }), '5/9 steps');
});

test('durations, counts and bytes read as people write them', () => {
  assert.deepEqual([850, 1500, 12_300, 245_000, 7_380_000].map(formatDuration), [
    '850 ms',
    '1.5 s',
    '12 s',
    '4 min 05 s',
    '2 h 03 min',
  ]);
  assert.deepEqual([8954, 2.345].map(formatCount), ['8,954', '2.3']);
  assert.deepEqual([12, 408_000, 23_179_656, 5.1e9].map(formatBytes), [
    '12 B',
    '408 kB',
    '23.2 MB',
    '5.10 GB',
  ]);
});

test('a teacher pass is told by its rows', () => {
  const result = {
    instance: 'soft-label',
    fingerprint: '',
    folder: '',
    fresh: false,
    environment: {},
  };
  const counts = { rowsReused: 8954, rowsNew: 200, rowsGone: 3 };
  assert.equal(
    describeResult({ ...result, counts }, 2000),
    '8,954 reused, 200 new, 3 gone · 2.0 s',
  );
  assert.equal(describeResult({ ...result, counts: {} }, 2000), '2.0 s');
});
