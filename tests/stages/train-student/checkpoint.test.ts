import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Checkpoint,
  CorruptCheckpointError,
  readCheckpoint,
  removeCheckpoint,
  writeCheckpoint,
} from '#stages/train-student/checkpoint.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const checkpoint: Checkpoint = {
  state: {
    weights: Float32Array.of(1, -2, 3.5),
    slots: {
      firstMoment: Float32Array.of(0.1, 0.2, 0.3),
      secondMoment: Float32Array.of(1e-20, 0, 1e20),
      average: Float32Array.of(1, 2, 3),
    },
    step: 17,
  },
  best: { weights: Float32Array.of(9, 8, 7), step: 10, threshold: 1 / 3 },
};

test('a checkpoint reads back bit for bit', async () => {
  const folder = temporaryFolder();
  await writeCheckpoint(folder, 'recipe', checkpoint);
  assert.deepEqual(await readCheckpoint(folder, 'recipe'), checkpoint);
  await writeCheckpoint(folder, 'recipe', { ...checkpoint, best: null });
  assert.deepEqual(await readCheckpoint(folder, 'recipe'), { ...checkpoint, best: null });
});

test('a checkpoint of another recipe is not taken up', async () => {
  const folder = temporaryFolder();
  await writeCheckpoint(folder, 'recipe', checkpoint);
  assert.equal(await readCheckpoint(folder, 'another recipe'), null);
});

test('a removed checkpoint leaves an empty folder, and none is no error', async () => {
  const folder = temporaryFolder();
  await writeCheckpoint(folder, 'recipe', checkpoint);
  await removeCheckpoint(folder);
  await removeCheckpoint(folder);
  assert.deepEqual(await readdir(folder), []);
  assert.equal(await readCheckpoint(folder, 'recipe'), null);
});

test('a damaged checkpoint is reported by name and left in place', async () => {
  const folder = temporaryFolder();
  await writeCheckpoint(folder, 'recipe', checkpoint);
  const path = join(folder, 'checkpoint.bin');
  const bytes = await readFile(path);
  for (const damaged of [flipped(bytes), bytes.subarray(0, -1), Buffer.from('no checkpoint')]) {
    await writeFile(path, damaged);
    await assert.rejects(readCheckpoint(folder, 'recipe'), (error) => {
      assert.ok(error instanceof CorruptCheckpointError);
      assert.ok(error.message.startsWith(path));
      return true;
    });
    assert.deepEqual(await readFile(path), Buffer.from(damaged));
  }
});

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const last = copy.length - 1;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}
