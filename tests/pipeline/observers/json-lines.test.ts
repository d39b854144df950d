import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunEvent } from '#pipeline/events.ts';
import { jsonLinesObserver } from '#pipeline/observers/json-lines.ts';

const instance = 'soft-label';
const started: RunEvent = { type: 'stage-started', instance, because: '' };
const ended: RunEvent = { type: 'run-finished', status: 'done', durationMs: 1, exitCode: 0 };
const progress = (done: number): RunEvent => ({
  type: 'stage-event',
  instance,
  event: { type: 'progress', done, total: 9, unit: 'rows' },
});

function types(lines: readonly string[]): string[] {
  return lines.map((line) => (JSON.parse(line) as { type: string }).type);
}

test('progress is told now and then, everything else always', () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const observer = jsonLinesObserver({ write, everyMs: 60_000, heartbeatMs: 60_000 });
  for (const event of [started, progress(1), progress(2), progress(3), ended])
    observer.observe(event);
  assert.deepEqual(types(lines), ['stage-started', 'stage-event', 'run-finished']);
});

test('a silent stage gives signs of life until the run ends', async () => {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const observer = jsonLinesObserver({ write, everyMs: 1, heartbeatMs: 5 });
  observer.observe(started);
  // Node would end otherwise: the heartbeat does not keep a process alive.
  while (lines.length < 3) await wait(2);
  observer.observe(ended);
  assert.deepEqual(types(lines).slice(0, 3), ['stage-started', 'heartbeat', 'heartbeat']);
});
