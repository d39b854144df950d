import { test } from 'node:test';
import { assertAsOnCpu } from '#tests/stages/soft-label/kinds/as-on-cpu.ts';
import { TEACHER_KINDS } from '#tests/stages/soft-label/kinds/kinds.ts';
import { skip, testedDevice } from './tested-device.ts';

// Products of full precision: ONNX Runtime takes TF32 where the GPU has it, and random weights make that large.
process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';

/** Every kind of teacher on CUDA against the CPU: the best class in 99.9 % of the rows, |dp| at most 1e-3. */
for (const kind of TEACHER_KINDS) {
  test(`${kind.name}: ${testedDevice} says what the CPU says`, { skip }, async (t) => {
    const { rows, otherBest, largestDp, census } = await assertAsOnCpu(kind, testedDevice);
    t.diagnostic(`${otherBest} of ${rows} best classes differ, |dp| at most ${largestDp}`);
    for (const note of census) t.diagnostic(note);
  });
}
