import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  closeFeatures,
  columnOf,
  readFeatures,
  readFeaturesWithin,
  takeFeatures,
  writeFeatures,
} from '#datasets/features.ts';
import { FloatFile } from '#datasets/int-list.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { writeSplitPredictions } from '#stages/train-student/outputs.ts';
import { memoryOf } from '#stages/train-student/transfer-set.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

test('answers to a large split are predicted and written a block at a time, in order', async () => {
  const folder = temporaryFolder();
  const asked: number[] = [];
  const rows = { tokens: tokensOf(25_000) };
  await writeSplitPredictions(folder, 'train', rows, {
    classCount: 2,
    task: undefined,
    predict: async ({ tokens: { exampleIds, tokenIds } }) => {
      asked.push(exampleIds.length);
      return Float32Array.from(tokenIds.subarray(0, tokenIds.length));
    },
  });
  assert.deepEqual(asked, [10_000, 10_000, 5_000]);
  const read = await readPredictions(folder, 'train');
  assert.deepEqual(read.exampleIds, rows.tokens.exampleIds);
  assert.deepEqual(read.logits, Float32Array.from(rows.tokens.tokenIds));
  // Of 1,000 classes fewer rows make a block.
  asked.length = 0;
  await writeSplitPredictions(folder, 'train', rows, {
    classCount: 1000,
    task: undefined,
    predict: async ({ tokens: { exampleIds } }) => {
      asked.push(exampleIds.length);
      return new Float32Array(1000 * exampleIds.length);
    },
  });
  assert.ok(Math.max(...asked) * 1000 <= 1 << 22, String(asked));
});

test('tensors beyond the limit lie in a file without a name, and are those of memory', async () => {
  const [folder, spill] = [temporaryFolder(), temporaryFolder()];
  await mkdir(folder, { recursive: true });
  await mkdir(spill, { recursive: true });
  const ids = tokensOf(10_050).exampleIds;
  await writeFeatures(folder, tensorsOf(ids));
  const inMemory = await readFeatures(folder);
  const stored = await readFeaturesWithin(folder, ids, { limitBytes: 1000, spill });
  assert.ok(stored?.columns['image']?.values instanceof FloatFile);
  assert.deepEqual(readdirSync(spill), []);
  const rows = [0, 9_999, 10_000, 10_049];
  assert.deepEqual(takeFeatures(stored, rows), takeFeatures(inMemory, rows));
  closeFeatures(stored);
  const other = await readFeaturesWithin(folder, ids.toReversed(), { limitBytes: 1000, spill });
  assert.ok(other !== undefined);
  assert.deepEqual(takeFeatures(other, [0]), takeFeatures(inMemory, [10_049]));
});

test('a student of texts and tensors is the same whether its tensors lie in memory or in a file', async () => {
  const texts = await syntheticInputs({ shardRows: 33 });
  const inputs: Record<string, string> = { ...texts };
  for (const split of ['train', 'validation'] as const) {
    const { exampleIds } = await readTokens(texts[`tokens/student/${split}`] ?? '');
    inputs[`inputs/${split}`] = temporaryFolder();
    await mkdir(inputs[`inputs/${split}`] ?? '', { recursive: true });
    await writeFeatures(inputs[`inputs/${split}`] ?? '', tensorsOf(exampleIds));
  }
  const config = { architecture: 'bag', hiddenSize: 8, steps: 20, batchSize: 16, device: 'cpu' };
  for (const losses of [{}, { softLossWeight: 0, hardLossWeight: 1 }]) {
    const weightsOf = async (memoryLimitMb: number) => {
      const given = { ...config, ...losses, memoryLimitMb };
      const { outputs } = await runStage(trainStudent, { config: given, inputs });
      return readFile(join(outputs['student'] ?? '', 'model.safetensors'));
    };
    assert.deepEqual(await weightsOf(0), await weightsOf(256));
  }
});

test('features of the teacher count among what joined rows take', () => {
  const rows = { rowCount: 1000, layout: { type: 'dense', width: 10 } } as const;
  assert.equal(memoryOf({ ...rows, hintWidth: 384 }) - memoryOf(rows), 1000 * 384 * 4);
});

/** Rows of two tokens each. */
function tokensOf(rowCount: number): TokenTable {
  return {
    exampleIds: Array.from({ length: rowCount }, (_, row) => String(row).padStart(32, '0')),
    offsets: Int32Array.from({ length: rowCount + 1 }, (_, row) => 2 * row),
    tokenIds: Int32Array.from({ length: 2 * rowCount }, (_, at) => at % 1000),
    typeIds: null,
    truncated: new Uint8Array(rowCount),
    tokenizerDigest: 'none',
    maxLength: 2,
  };
}

function tensorsOf(exampleIds: readonly string[]) {
  const random = randomFor(1, 'tensors');
  const rows = (width: number) =>
    exampleIds.map(() => Float32Array.from({ length: width }, () => random()));
  return {
    exampleIds,
    columns: { image: columnOf([2, 3], rows(6)), facts: columnOf([2], rows(2)) },
  };
}
