import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureSpeed } from '#stages/evaluate/speed.ts';
import { exampleId, tinyTokens } from '#tests/support/tiny-world.ts';

const near = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-6);

test('both sizes are warmed up and timed over whole batches, also of a small test split', async () => {
  for (const rows of [5, 100, 1000]) {
    // A call takes 1 ms and its rows 0.1 ms each; the first three of a size 100 ms more.
    const { speed, sizes } = await timed(
      { rows, singles: 50 },
      (size, before) => 1 + size / 10 + (before < 3 ? 100 : 0),
    );
    assert.equal(speed.rows, Math.min(50, rows));
    assert.deepEqual([...new Set(sizes)], [1, 32]);
    assert.equal(sizes.filter((size) => size === 32).length, 20 + 4);
    for (const figure of ['p50', 'p95'] as const) {
      near(speed.latencyMsBatch1[figure], 1.1);
      near(speed.latencyMsBatched[figure], 4.2);
    }
    assert.equal(speed.latencyMsBatched.rows, 32);
    near(speed.rowsPerSecond, (1000 * 32) / 4.2);
  }
});

test('of a model whose batches take 700 ms five seconds of them are timed, of one of 3 s a batch five batches', async () => {
  const cases = [
    [700, 7],
    [3000, 5],
  ] as const;
  for (const [ms, batches] of cases) {
    const { speed, sizes } = await timed({ rows: 1000, singles: 2 }, () => ms);
    assert.equal(sizes.filter((size) => size === 32).length, 4 + batches);
    near(speed.rowsPerSecond, 32_000 / ms);
  }
});

/** The speed of a model whose calls take what `cost` says, in ms, by size of the batch and number of such calls before. */
async function timed(
  { rows, singles }: { readonly rows: number; readonly singles: number },
  cost: (size: number, before: number) => number,
) {
  const sizes: number[] = [];
  let clock = 0;
  const classifier = {
    provider: 'cpu' as const,
    withoutCuda: undefined,
    runtimeVersion: 'x',
    logits: ({ length }: readonly unknown[]) => {
      clock += cost(length, sizes.filter((size) => size === length).length);
      sizes.push(length);
      return Promise.resolve(new Float32Array());
    },
    close: () => Promise.resolve(),
  };
  const tokens = tinyTokens(Array.from({ length: rows }, (_, row) => exampleId(row)));
  return {
    sizes,
    speed: await measureSpeed(classifier, { tokens }, singles, { now: () => clock }),
  };
}
