import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MetricsFolderError, prometheusObserver } from '#pipeline/observers/prometheus.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

function resultOf(instance: string, counts: Record<string, number>, fresh: boolean) {
  return { instance, fingerprint: 'f', folder: '', fresh, counts, environment: {} };
}

const teacherCounts = { teacherRows: 200, rowsReused: 8954, rowsNew: 200, rowsGone: 3 };

test('a run becomes metrics, written whole', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'decant.prom');
  const observer = prometheusObserver(file, () => 1_700_000_000_000);
  const prepare = resultOf('prepare', { trainRows: 9000, testRows: 10, rejects: 4 }, true);
  observer.observe({ type: 'stage-fresh', instance: 'prepare', result: prepare });
  const softLabel = resultOf('soft-label', teacherCounts, false);
  observer.observe({
    type: 'stage-finished',
    instance: 'soft-label',
    result: softLabel,
    durationMs: 1500,
  });
  observer.observe({ type: 'run-finished', status: 'done', durationMs: 2500, exitCode: 0 });
  await observer.close?.();
  assert.deepEqual(readdirSync(folder), ['decant.prom']);
  const samples = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !/^(#|$)/.test(line));
  assert.deepEqual(samples, [
    'decant_run_timestamp_seconds 1700000000',
    'decant_last_success_timestamp_seconds 1700000000',
    'decant_run_duration_seconds 2.5',
    'decant_run_exit_code 0',
    'decant_stage_duration_seconds{stage="soft-label"} 1.5',
    'decant_rows{split="train"} 9000',
    'decant_rows{split="test"} 10',
    'decant_rejected_rows 4',
    'decant_teacher_rows{source="computed"} 200',
    'decant_teacher_rows{source="reused"} 8954',
  ]);
});

test('a failure keeps the time of the last success', async () => {
  const file = join(temporaryFolder(), 'decant.prom');
  for (const [exitCode, now] of [
    [0, 1000],
    [75, 5000],
  ] as const) {
    const observer = prometheusObserver(file, () => now);
    observer.observe({ type: 'run-finished', status: 'stopped', durationMs: 1, exitCode });
    await observer.close?.();
  }
  const text = readFileSync(file, 'utf8');
  assert.match(text, /^decant_last_success_timestamp_seconds 1$/m);
  assert.match(text, /^decant_run_timestamp_seconds 5$/m);
  assert.match(text, /^decant_run_exit_code 75$/m);
});

test('a fresh cache cost nothing: all its rows are reused', async () => {
  const file = join(temporaryFolder(), 'decant.prom');
  const observer = prometheusObserver(file);
  const result = resultOf('soft-label', teacherCounts, true);
  observer.observe({ type: 'stage-fresh', instance: 'soft-label', result });
  observer.observe({ type: 'run-finished', status: 'done', durationMs: 1, exitCode: 0 });
  await observer.close?.();
  assert.match(readFileSync(file, 'utf8'), /computed"\} 0\n.*reused"\} 9154/);
});

test('a folder that is not there is said before the run', () => {
  assert.throws(() => prometheusObserver('/nowhere/at/all/x.prom'), MetricsFolderError);
});
