import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { tensorIdOf } from '#datasets/example-id.ts';
import { featureRow, shapeOfRow, stepsOf } from '#datasets/feature-rows.ts';
import {
  columnOf,
  featuresInOrder,
  readFeatures,
  readShapes,
  writeFeatures,
} from '#datasets/features.ts';
import { readLabels } from '#datasets/labels.ts';
import { removeRows } from '#datasets/remove-rows.ts';
import { readTargets, writeTargets } from '#datasets/targets.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { exampleId } from '#tests/support/tiny-world.ts';

const layout = { shardRows: 10, codec: 'zstd' } as const;

test('targets are read as they were written, and a folder that holds them has no labels', async () => {
  const folder = temporaryFolder();
  const rows = [1, 2, 3].map((id) => ({
    exampleId: exampleId(id),
    targets: Float32Array.of(id / 2, -id, 0),
  }));
  await writeTargets(folder, rows);
  assert.deepEqual(await readTargets(folder), rows);
  assert.deepEqual(await readLabels(folder), []);
  await removeRows([join(folder, 'targets.parquet')], new Set([exampleId(2)]), layout);
  assert.deepEqual(await readTargets(folder), [rows[0], rows[2]]);
});

test('rows with different numbers of targets are refused, and no file is left', async () => {
  const folder = temporaryFolder();
  const rows = [1, 2].map((id) => ({ exampleId: exampleId(id), targets: new Float32Array(id) }));
  await assert.rejects(writeTargets(folder, rows), /2 values instead of 1/);
  assert.ok(!existsSync(join(folder, 'targets.parquet')));
});

test('tensors are read as they were written, by example, and rows can be taken out', async () => {
  const folder = temporaryFolder();
  const frames = [Float32Array.of(1, 2), Float32Array.of(3, 4, 5, 6), new Float32Array()];
  const facts = frames.map((_, row) => Float32Array.of(row));
  const exampleIds = [1, 2, 3].map(exampleId);
  const columns = { frames: columnOf([null, 2], frames), facts: columnOf([1], facts) };
  await writeFeatures(folder, { exampleIds, columns });
  const read = await readFeatures(folder);
  assert.deepEqual(read, { exampleIds, columns });
  assert.deepEqual(await readShapes(folder), { frames: [null, 2], facts: [1] });
  const turned = featuresInOrder(read, [exampleId(2), exampleId(1)]);
  assert.deepEqual(featureRow(turned, 0), { frames: frames[1], facts: facts[1] });
  await removeRows([join(folder, 'features.parquet')], new Set([exampleId(1)]), layout);
  assert.deepEqual((await readFeatures(folder)).exampleIds, exampleIds.slice(1));
});

test('the free axis of a row is what its values leave', () => {
  assert.deepEqual(shapeOfRow([null, 80], 240), [3, 80]);
  assert.deepEqual(shapeOfRow([1, 8, 8], 64), [1, 8, 8]);
  const shapes = { frames: [null, 80], facts: [3] };
  assert.equal(stepsOf(shapes, { frames: new Float32Array(160), facts: new Float32Array(3) }), 2);
  assert.equal(stepsOf({ facts: [3] }, { facts: new Float32Array(3) }), undefined);
});

test('an example id is over text, names and values, and over nothing else', () => {
  const id = (text: string, features: Record<string, number[]>) =>
    tensorIdOf(
      text,
      null,
      Object.fromEntries(Object.entries(features).map(([k, v]) => [k, Float32Array.from(v)])),
    );
  const one = id('a', { x: [1, 2], y: [3] });
  assert.equal(id('a', { y: [3], x: [1, 2] }), one);
  for (const other of [
    id('b', { x: [1, 2], y: [3] }),
    id('a', { x: [1], y: [2, 3] }),
    id('a', { x: [1, 2], z: [3] }),
    id('a', { x: [1, 2], y: [3.0000002] }),
  ]) {
    assert.notEqual(other, one);
  }
});
