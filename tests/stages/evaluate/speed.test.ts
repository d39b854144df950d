import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureSpeed } from '#stages/evaluate/speed.ts';
import { exampleId, tinyTokens } from '#tests/support/tiny-world.ts';

test('both sizes are warmed up and timed over whole batches, also of a small test split', async () => {
  for (const rows of [5, 100, 1000]) {
    const sizes: number[] = [];
    let clock = 0;
    // A call takes 1 ms and its rows 0.1 ms each; the first three of a size 100 ms more.
    const classifier = {
      provider: 'cpu' as const,
      withoutCuda: undefined,
      runtimeVersion: 'x',
      logits: (batch: readonly unknown[]) => {
        const before = sizes.filter((size) => size === batch.length).length;
        sizes.push(batch.length);
        clock += 1 + batch.length / 10 + (before < 3 ? 100 : 0);
        return Promise.resolve(new Float32Array());
      },
      close: () => Promise.resolve(),
    };
    const tokens = tinyTokens(Array.from({ length: rows }, (_, row) => exampleId(row)));
    const speed = await measureSpeed(classifier, { tokens }, 50, { now: () => clock });
    assert.equal(speed.rows, Math.min(50, rows));
    assert.deepEqual([...new Set(sizes)], [1, 32]);
    assert.equal(sizes.filter((size) => size === 32).length, 20 + 4);
    const near = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) < 1e-6);
    for (const figure of ['p50', 'p95'] as const) {
      near(speed.latencyMsBatch1[figure], 1.1);
      near(speed.latencyMsBatched[figure], 4.2);
    }
    assert.equal(speed.latencyMsBatched.rows, 32);
    near(speed.rowsPerSecond, (1000 * 32) / 4.2);
  }
});
