import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadTensorflow } from '#stages/tensorflow/runtime.ts';

/** Tests of losses, gradients, optimisers, steps and encoders that run on the CPU everywhere, once more on CUDA. */
const { device, version } = loadTensorflow({ device: 'auto' });
const skip = device === 'gpu' ? false : `TensorFlow ${version} sees no GPU here`;

const SUITE = {
  tensorflow: [
    'adamw',
    'distillation-loss',
    'divergence-bounds',
    'hint-loss',
    'kd-reference',
    'loss-steps',
    'optimizers',
    'soft-losses',
    'step-recorder',
    'steppers',
    'student-steps',
    'value-loss',
    'value-steps',
  ],
  students: ['convolutions', 'dropout', 'forward', 'golden-tasks', 'gradients'],
};

for (const [folder, names] of Object.entries(SUITE)) {
  for (const name of names) {
    test(`${folder}/${name} on CUDA`, { skip }, () => {
      const env: NodeJS.ProcessEnv = {
        ...process.env,
        DECANT_TEST_DEVICE: 'cuda',
        // Products of full precision, and sums in one order: resumed steps are compared bit by bit.
        NVIDIA_TF32_OVERRIDE: '0',
        TF_DETERMINISTIC_OPS: '1',
      };
      // It would make the child speak to a runner that is not there.
      delete env['NODE_TEST_CONTEXT'];
      const file = join(import.meta.dirname, '..', 'stages', folder, `${name}.test.ts`);
      const args = [...process.execArgv, file];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, {
        env,
        encoding: 'utf8',
      });
      assert.equal(status, 0, `${stdout}\n${stderr}`.slice(-8000));
    });
  }
}
