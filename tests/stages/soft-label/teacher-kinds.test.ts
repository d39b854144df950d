import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAsOnCpu, distanceToCpu } from './kinds/as-on-cpu.ts';
import { goldenModel } from './kinds/kind.ts';
import { TEACHER_KINDS } from './kinds/kinds.ts';

// What tests/gpu asks of CUDA, and of all kinds. On the CPU a row has the same numbers in whatever batch.
for (const kind of TEACHER_KINDS.filter(({ isEverywhere }) => isEverywhere)) {
  test(`${kind.name}: the same numbers in other batches`, async () => {
    const { largestDp } = await assertAsOnCpu({ ...kind, largestDp: 1e-6 }, 'cpu');
    assert.ok(largestDp <= 1e-6);
  });
}

test('another model is found to be another one', async () => {
  const run = await TEACHER_KINDS[0]?.make();
  assert.ok(run !== undefined);
  const reference = { ...run, files: { model: [await goldenModel('modernbert')] } };
  const { largestDp } = await distanceToCpu(run, reference, 'cpu');
  assert.ok(largestDp > 1e-3, `${largestDp}`);
});
