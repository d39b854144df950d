import assert from 'node:assert/strict';
import { test } from 'node:test';
import { percent, textHistogram } from '#pipeline/display/text-histogram.ts';

test('the longest bar is full, few rows show, and none show nothing', () => {
  const bin = (from: number, rows: number) => ({ from, to: from + 0.5, rows, agreement: null });
  const lines = textHistogram('x', [bin(0, 10_000), bin(0.5, 1), bin(1, 0)]).split('\n');
  const bars = lines.slice(2).map((line) => /[\u2588-\u258f]+/u.exec(line)?.[0] ?? '');
  assert.deepEqual(bars, ['\u2588'.repeat(40), '\u258f', '']);
  assert.match(lines[2] ?? '', /^0 to 0\.5 .* 10,000 +100\.0 % +-$/);
});

test('a histogram of no rows divides by nothing', () => {
  const text = textHistogram('x', [{ from: 0, to: 1, rows: 0, agreement: null }]);
  assert.doesNotMatch(text, /NaN/);
  assert.equal(percent(null), '-');
});
