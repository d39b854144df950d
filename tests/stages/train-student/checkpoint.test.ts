import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Checkpoint,
  CorruptCheckpointError,
  readCheckpoint,
  writeCheckpoint,
} from '#stages/train-student/checkpoints/checkpoint.ts';
import {
  checkpointedStep,
  latestCheckpoint,
  removeCheckpoints,
  saveCheckpoint,
} from '#stages/train-student/checkpoints/checkpoint-folder.ts';
import { checkpointTimes } from '#stages/train-student/checkpoints/checkpoint-times.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('a checkpoint reads back bit for bit', async () => {
  const path = join(temporaryFolder(), 'checkpoint');
  for (const best of [checkpointAt(17).best, null]) {
    const written = { ...checkpointAt(17), best, recipe: 'recipe' };
    await writeCheckpoint(path, written);
    assert.deepEqual(await readCheckpoint(path), written);
  }
});

test('the newest checkpoints are kept, and the newest of all goes on', async () => {
  const place = { folder: temporaryFolder(), recipe: 'recipe', keep: 2 };
  assert.deepEqual(await latestCheckpoint(place), { checkpoint: null, damaged: [] });
  assert.equal(await checkpointedStep(place.folder), null);
  for (const step of [5, 10, 15, 20]) await saveCheckpoint(place, checkpointAt(step));
  assert.deepEqual((await readdir(place.folder)).sort(), [
    'checkpoint-00000015.bin',
    'checkpoint-00000020.bin',
  ]);
  assert.equal(await checkpointedStep(place.folder), 20);
  const { checkpoint } = await latestCheckpoint(place);
  assert.deepEqual(checkpoint, { ...checkpointAt(20), recipe: 'recipe' });
  await removeCheckpoints(place.folder);
  await removeCheckpoints(place.folder);
  assert.deepEqual(await readdir(place.folder), []);
});

test('a checkpoint of another recipe is not taken up', async () => {
  const folder = temporaryFolder();
  await saveCheckpoint({ folder, recipe: 'recipe', keep: 2 }, checkpointAt(5));
  const other = await latestCheckpoint({ folder, recipe: 'another recipe' });
  assert.equal(other.checkpoint, null);
});

const damages: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  'with a flipped bit': (bytes) => flipped(bytes),
  'cut short': (bytes) => bytes.subarray(0, -1),
  'of something else': () => Buffer.from('no checkpoint'),
  'that is empty': () => Buffer.alloc(0),
};

for (const [what, damage] of Object.entries(damages)) {
  test(`a newest checkpoint ${what} is named and left in place, and the one before it serves`, async () => {
    const place = { folder: temporaryFolder(), recipe: 'recipe', keep: 2 };
    for (const step of [5, 10]) await saveCheckpoint(place, checkpointAt(step));
    const newest = join(place.folder, 'checkpoint-00000010.bin');
    const damaged = damage(await readFile(newest));
    await writeFile(newest, damaged);
    const found = await latestCheckpoint(place);
    assert.equal(found.checkpoint?.state.step, 5);
    assert.equal(found.damaged.length, 1);
    assert.ok(found.damaged[0]?.message.startsWith(`${newest}: damaged checkpoint`));
    assert.deepEqual(await readFile(newest), Buffer.from(damaged));

    // The training that goes on from step 5 writes its own, and the damaged one is not counted.
    await saveCheckpoint({ ...place, keep: 1 }, checkpointAt(7));
    assert.deepEqual(await readdir(place.folder), ['checkpoint-00000007.bin']);
  });
}

test('where every checkpoint is damaged the newest is reported and nothing is lost', async () => {
  const place = { folder: temporaryFolder(), recipe: 'recipe', keep: 2 };
  for (const step of [5, 10]) {
    await saveCheckpoint(place, checkpointAt(step));
    const path = join(place.folder, `checkpoint-${String(step).padStart(8, '0')}.bin`);
    await writeFile(path, flipped(await readFile(path)));
  }
  await assert.rejects(latestCheckpoint(place), (error) => {
    assert.ok(error instanceof CorruptCheckpointError);
    assert.match(error.message, /checkpoint-00000010\.bin: damaged/);
    return true;
  });
  assert.equal((await readdir(place.folder)).length, 2);
});

test('checkpoints are due every so many steps, after so many minutes without one, and at the end', () => {
  let minutes = 0;
  const isDue = checkpointTimes(
    { checkpointEvery: 10, checkpointMinutes: 5, steps: 33 },
    () => minutes * 60_000,
  );
  const due: number[] = [];
  for (let step = 0; step <= 33; step++) {
    if (isDue(step)) due.push(step);
    // A step takes a second up to the twentieth and two minutes from there.
    minutes += step < 20 ? 1 / 60 : 2;
  }
  assert.deepEqual(due, [10, 20, 23, 26, 29, 30, 33]);
});

function checkpointAt(step: number): Checkpoint {
  return {
    state: {
      weights: Float32Array.of(1, -2, 3.5),
      slots: {
        firstMoment: Float32Array.of(0.1, 0.2, 0.3),
        secondMoment: Float32Array.of(1e-20, 0, 1e20),
        average: Float32Array.of(1, 2, 3),
      },
      step,
    },
    best: { weights: Float32Array.of(9, 8, 7), step: 3, threshold: 1 / 3 },
    progress: { firstLoss: 4.5, highest: { share: 0.7, step: 10 } },
  };
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const last = copy.length - 1;
  copy[last] = (copy[last] ?? 0) ^ 1;
  return copy;
}
