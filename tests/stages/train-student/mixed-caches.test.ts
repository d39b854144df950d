import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  openSoftLabels,
  takeRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import {
  type MixOptions,
  type TeacherCache,
  targetSource,
} from '#stages/train-student/targets/mixed-caches.ts';
import type { SoftTarget } from '#stages/train-student/targets/soft-targets.ts';
import { assertClose } from '#tests/support/close.ts';
import { type SampleKind, sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

test('two caches with other shards and another order are mixed row by row', async () => {
  const [rows, meta] = [sampleRows(sampleMeta('top-k'), 9), sampleMeta('top-k')];
  const left = await cache(
    'top-k',
    [
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8],
    ],
    1,
  );
  // The other one lacks row 4.
  const right = await cache(
    'compact',
    [
      [8, 7, 6],
      [5, 3, 2, 1, 0],
    ],
    3,
  );
  for (const mix of ['weights', 'confidence'] as const) {
    const { source, found } = await mixOf([left, right], { temperature: 1.5, mix });
    assert.deepEqual(source?.layout, { type: 'top-k', width: 4 });
    const present = rows.exampleIds.filter((_, row) => row !== 4);
    assert.deepEqual([...found.keys()], present);
    // Both say the same, so the mix says it too.
    rows.exampleIds.forEach((exampleId, row) => {
      const target = found.get(exampleId);
      if (row === 4) return;
      assert.ok(target?.type === 'top-k');
      assert.deepEqual([...target.topIds], [...rows.topIds.subarray(2 * row, 2 * row + 2)]);
      const [logit = NaN] = rows.topLogits.subarray(2 * row);
      assertClose(
        target.topLogProbs[0] ?? NaN,
        logit / 1.5 - (rows.logSumExp[1]?.[row] ?? NaN),
        1e-3,
      );
      assertClose(target.tailLogMass, rows.tailLogMass[1]?.[row] ?? NaN, 1e-5);
    });
  }
  const byWeights = { temperature: 1, mix: 'weights' } as const;
  await assert.rejects(
    targetSource([left, right], { ...byWeights, temperature: 3 }),
    /temperature 3/,
  );
  const classNames = meta.classNames.toReversed();
  const foreign = {
    ...right,
    reader: { ...right.reader, meta: { ...right.reader.meta, classNames } },
  };
  await assert.rejects(targetSource([left, foreign], byWeights), /class/);
  for (const { reader } of [left, right]) await reader.close();
});

test('lists that together could name every class are mixed to a logit for each', async () => {
  const places = [[0, 1, 2, 3, 4, 5, 6, 7, 8]];
  const caches = await Promise.all([1, 2, 3].map((weight) => cache('top-k', places, weight)));
  const { source, found } = await mixOf(caches, { temperature: 1, mix: 'weights' });
  const { classNames } = sampleMeta('top-k');
  assert.deepEqual(source?.layout, { type: 'dense', width: classNames.length });
  for (const target of found.values()) {
    assert.ok(target.type === 'dense');
    const sum = target.logits.reduce((all, logit) => all + Math.exp(logit), 0);
    assertClose(sum, 1, 1e-5);
  }
  for (const { reader } of caches) await reader.close();
});

test('no cache gives no targets', async () => {
  assert.equal(await targetSource([], { temperature: 1, mix: 'weights' }), null);
});

/** The targets of all rows that every cache has, by example id. */
async function mixOf(caches: readonly TeacherCache[], options: MixOptions) {
  const source = await targetSource(caches, options);
  const found = new Map<string, SoftTarget>();
  for (const shard of Array(source?.shardCount ?? 0).keys()) {
    const targetOf = await source?.readTargets(shard);
    for (const [row, exampleId] of ((await source?.readIds(shard)) ?? []).entries()) {
      const target = exampleId === null ? undefined : targetOf?.(row);
      if (exampleId !== null && target !== undefined) found.set(exampleId, target);
    }
  }
  return { source, found };
}

/** A cache of sample rows, shard by shard. */
async function cache(
  kind: SampleKind,
  shards: readonly (readonly number[])[],
  weight: number,
): Promise<TeacherCache> {
  const folder = temporaryFolder('decant-mix');
  const meta = sampleMeta(kind);
  const rows = sampleRows(meta, 9);
  for (const [index, places] of shards.entries()) {
    await writeSoftLabelShard(
      join(folder, `part-0000${index}.parquet`),
      takeRows(rows, places),
      meta,
    );
  }
  return { reader: await openSoftLabels(folder), weight };
}
