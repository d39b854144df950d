import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sweepPage } from '#pipeline/sweep/page.ts';
import type { TrialResult } from '#pipeline/sweep/results.ts';

test('the page has a plot for each price and a row for each trial, and escapes what it shows', () => {
  const page = sweepPage('<b>', [
    result(1, { value: 0.9, fileBytes: 2e6, latencyMs: 2 }, { size: true, latency: true }),
    result(2, { value: 0.8, fileBytes: 3e6, latencyMs: 1 }, { size: false, latency: true }),
    result(3, { value: 0.7, fileBytes: 4e6, latencyMs: null }, { size: false, latency: false }),
  ]);
  assert.match(page, /Trials of &#60;b&#62;/);
  const plots = page.split('<svg').slice(1);
  assert.equal(plots.length, 2);
  const [size = '', latency = ''] = plots;
  assert.equal(size.match(/<circle/g)?.length, 3);
  assert.equal(size.match(/class="dot solid c2"/g)?.length, 1);
  assert.equal(latency.match(/<circle/g)?.length, 2);
  assert.equal(latency.match(/class="dot solid c2"/g)?.length, 2);
  assert.match(latency, /On the front: trial 1 90\.0 %, trial 2 80\.0 %\./);
  assert.doesNotMatch(page, /NaN|Infinity|undefined|<script/);
  assert.equal(page.match(/<tr>/g)?.length, 4);
  assert.match(page, /&#60;i&#62;/);
});

test('one trial alone, and a figure that cannot be told, give a page too', () => {
  const flags = { size: true, latency: true };
  const alone = result(1, { value: 0.5, fileBytes: 1e6, latencyMs: 1 }, flags);
  assert.doesNotMatch(sweepPage('one', [alone]), /NaN|Infinity/);
  const unknown = result(1, { value: Number.NaN, fileBytes: 1e6, latencyMs: 1 }, flags);
  assert.doesNotMatch(sweepPage('none', [unknown]), /NaN|Infinity|<svg/);
});

function result(
  number: number,
  { value, fileBytes, latencyMs }: { value: number } & Pick<TrialResult, 'fileBytes' | 'latencyMs'>,
  isOnFront: TrialResult['isOnFront'],
): TrialResult {
  return {
    trial: { number, name: `sweep-${number}`, settings: { initFrom: '<i>', layers: number } },
    judged: {
      name: 'accuracy',
      title: 'accuracy',
      value,
      interval: [value - 0.02, value + 0.02],
      isShare: true,
      isError: false,
    },
    agreement: null,
    parameters: 1000,
    fileBytes,
    latencyMs,
    isOnFront,
  };
}
