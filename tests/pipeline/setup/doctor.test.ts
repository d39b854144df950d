import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diagnose } from '#pipeline/setup/doctor.ts';
import { readState } from '#pipeline/setup/state.mjs';
import { repository } from '#tests/support/paths.ts';

const skip = readState(repository)?.good ? false : 'needs a finished set-up';

test('after a set-up all that a run needs is found working', { skip }, async () => {
  const { checks, healthy } = await diagnose();
  assert.deepEqual(
    checks.filter(({ ok }) => ok === false),
    [],
  );
  assert.ok(healthy);
  const detailOf = (name: string) => checks.find((check) => check.name === name)?.detail ?? '';
  assert.match(detailOf('TensorFlow'), /^2\.21\.0 on (CPU|GPU)$/);
  assert.match(detailOf('ONNX Runtime'), /^1\.30\.0 on CPU$/);
  assert.match(detailOf('native cache'), /B$/);
});
