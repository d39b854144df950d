import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { readCacheFigures } from '#stages/report/gather-cache.ts';
import { SAMPLE_KINDS, sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const kept = {
  'top-k': 'top 2 and the tail',
  dense: 'all 5 logits',
  compact: 'top 2 and the tail, compact',
  small: 'top 2 and the tail, small',
  sampled: '50 draws from the distribution',
  tokens: 'top 2 and the tail',
};

const confidences = sampleRows(sampleMeta('sampled'), 11).sampled?.confidence ?? assert.fail();
const meanConfidence = confidences.reduce((sum, confidence) => sum + confidence, 0) / 11;

for (const kind of SAMPLE_KINDS) {
  test(`the figures of a ${kind} cache say what is kept, and have the same mean confidence`, async () => {
    const folder = temporaryFolder('decant-figures');
    const meta = sampleMeta(kind);
    await writeSoftLabelShard(join(folder, 'part-00000.parquet'), sampleRows(meta, 11), meta);
    const { figures } = await readCacheFigures(folder);
    assert.equal(figures.kept, kept[kind]);
    assert.equal(figures.rows, 11);
    // 8 bits are wrong by at most 1/32 nat.
    const tolerance = kind === 'small' ? 0.03 : 1e-4;
    const difference = Math.abs(figures.meanConfidence - meanConfidence);
    assert.ok(difference < tolerance, `${figures.meanConfidence} is not ${meanConfidence}`);
  });
}
