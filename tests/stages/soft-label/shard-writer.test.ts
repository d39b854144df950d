import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SoftLabelMeta, SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { openShardWriter } from '#stages/soft-label/shard-writer.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('what a write throws is thrown by drain, and the shards before it stay', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  const writer = openShardWriter(meta, 'zstd');
  await writer.write(join(folder, 'part-00000.parquet'), oneRow());
  await writer.write(join(folder, 'file', 'part-00001.parquet'), oneRow());
  await assert.rejects(writer.drain(), (error: NodeJS.ErrnoException) => error.code === 'EEXIST');
  await writer.close();
  assert.ok(existsSync(join(folder, 'part-00000.parquet')));
});

test('the third shard waits for the first', async () => {
  const folder = temporaryFolder();
  const writer = openShardWriter(meta, 'zstd');
  for (const part of [0, 1, 2, 3]) await writer.write(join(folder, `part-${part}`), oneRow());
  assert.ok(readdirSync(folder).filter((name) => !name.includes('.tmp')).length >= 2);
  await writer.drain();
  assert.equal(readdirSync(folder).length, 4);
});

function oneRow(): SoftLabelRows {
  return {
    rowCount: 1,
    exampleIds: ['0'.repeat(32)],
    splits: ['train'],
    sourceIds: [null],
    topIds: Int32Array.of(1),
    topLogits: Float32Array.of(2),
    logits: new Float32Array(),
    logSumExp: [Float32Array.of(2.5)],
    tailLogMass: [Float32Array.of(-1)],
    entropyNats: Float32Array.of(0.5),
  };
}

const meta: SoftLabelMeta = {
  formatVersion: 1,
  mode: 'top-k',
  topK: 1,
  temperatures: [1],
  classNames: ['a', 'b'],
  fingerprint: 'f',
  teacherDigest: 't',
  tokenizerDigest: 'k',
  maxLength: 8,
  provider: 'cpu',
  runtime: 'onnxruntime 1',
  precision: 'float32',
};
