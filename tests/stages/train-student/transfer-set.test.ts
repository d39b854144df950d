import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  openSoftLabels,
  takeRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { softTargetsOf } from '#stages/train-student/targets/soft-targets.ts';
import { targetsOfCache } from '#stages/train-student/targets/target-source.ts';
import { openTransferSet, type TransferRow } from '#stages/train-student/transfer-set.ts';
import { sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const root = temporaryFolder('decant-transfer-set');
const gold = new Map([[idOf(3), [{ labelId: 2, weight: 1 }]]]);

for (const kind of ['top-k', 'dense', 'compact', 'small', 'sampled'] as const) {
  test(`${kind} rows are joined by id, in memory as from disk, epoch after epoch`, async () => {
    const meta = sampleMeta(kind);
    const rows = sampleRows(meta, 20);
    const folder = join(root, kind);
    const shards = [
      [0, 9],
      [9, 20],
    ] as const;
    for (const [index, [from, to]] of shards.entries()) {
      const part = takeRows(
        rows,
        Array.from({ length: to - from }, (_, row) => from + row),
      );
      await writeSoftLabelShard(join(folder, `part-0000${index}.parquet`), part, meta);
    }
    const softLabels = await openSoftLabels(folder);
    const temperature = kind === 'sampled' ? 1 : 1.5;
    // Tokens in another order, and none for the row of id 5.
    const order = Array.from({ length: 20 }, (_, row) => (row * 7) % 20).filter((row) => row !== 5);
    const softTargets = await targetsOfCache(softLabels, temperature);
    const sources = { tokens: tokensOf(order), gold, softTargets };
    for (const memoryLimitBytes of [0, 2 ** 30]) {
      const set = await openTransferSet({ ...sources, memoryLimitBytes });
      assert.deepEqual([set.rowCount, set.goldCount, set.leftOut], [19, 1, []]);
      for (const [shard, [from, to]] of shards.entries()) {
        const whole = await softLabels.readShard(shard);
        const target = softTargetsOf(whole, meta, temperature);
        const wanted = Array.from({ length: to - from }, (_, row) => ({
          exampleId: idOf(from + row),
          tokenIds: Int32Array.of(from + row, 100),
          gold: from + row === 3 ? [{ labelId: 2, weight: 1 }] : [],
          soft: target(row),
        })).filter(({ exampleId }) => exampleId !== idOf(5));
        for (let epoch = 0; epoch < 2; epoch++) {
          assert.deepEqual((await set.readShard(shard)).map(plain), wanted);
        }
      }
    }
    await softLabels.close();
  });
}

test('a train row without soft label is refused with its id', async () => {
  const softLabels = await openSoftLabels(join(root, 'top-k'));
  const tokens = tokensOf([0, 1, 77]);
  const opening = openTransferSet({
    tokens,
    gold,
    softTargets: await targetsOfCache(softLabels, 4),
    memoryLimitBytes: 0,
  });
  await assert.rejects(opening, {
    code: 'E_SOFT_LABELS_MISSING',
    message: /1 of 3 train rows .*4d$/,
  });
  await softLabels.close();
});

/** Its getters made values. */
function plain({ exampleId, tokenIds, gold: labels, soft }: TransferRow): TransferRow {
  return { exampleId, tokenIds, gold: labels, soft };
}

function idOf(row: number): string {
  return row.toString(16).padStart(32, '0');
}

function tokensOf(rows: readonly number[]) {
  return {
    exampleIds: rows.map(idOf),
    offsets: Int32Array.from({ length: rows.length + 1 }, (_, row) => row * 2),
    tokenIds: Int32Array.from(rows.flatMap((row) => [row, 100])),
    typeIds: null,
    truncated: new Uint8Array(rows.length),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 64,
  };
}
