import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunEvent } from '#pipeline/events.ts';
import { rateLimited } from '#pipeline/observers/rate-limited.ts';

const started: RunEvent = { type: 'stage-started', instance: 'soft-label', because: '' };
const failure = { kind: 'data', code: 'E', message: 'm', fix: 'f' };
const ended: RunEvent = { type: 'stage-failed', instance: 'soft-label', failure };
const warning = (message: string): RunEvent => ({
  type: 'stage-event',
  instance: 'soft-label',
  event: { type: 'warning', message },
});

/** Texts of the warnings that get through. */
function heard(events: readonly (RunEvent | number)[]): string[] {
  const texts: string[] = [];
  let at = 0;
  const observer = rateLimited(
    {
      observe(event) {
        if (event.type === 'stage-event' && event.event.type === 'warning') {
          texts.push(event.event.message);
        }
      },
    },
    { burst: 2, everyMs: 1000, now: () => at },
  );
  for (const event of events) {
    if (typeof event === 'number') at = event;
    else observer.observe(event);
  }
  return texts;
}

test('a million warnings become the first ones and a count', () => {
  const many = Array.from({ length: 1_000_000 }, (_, row) => warning(`row ${row}`));
  assert.deepEqual(heard([started, ...many, ended]), [
    'row 0',
    'row 1',
    '999,998 more warnings (all in run.jsonl), the last: row 999999',
  ]);
});

test('what is held back is told again and again while a stage goes on', () => {
  const events = [started, warning('a'), warning('b'), warning('c'), 1500, warning('d'), ended];
  assert.deepEqual(heard(events), ['a', 'b', '2 more warnings (all in run.jsonl), the last: d']);
});

test('few warnings pass unchanged, and the next stage starts anew', () => {
  const events = [started, warning('a'), warning('b'), ended, started, warning('c'), ended];
  assert.deepEqual(heard(events), ['a', 'b', 'c']);
});
