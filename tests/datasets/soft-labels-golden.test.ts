import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { openSoftLabels, type SoftLabelRows, writeSoftLabelShard } from '#datasets/soft-labels.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

// Every version of the format that was ever written stays readable: these files are never deleted.
const golden = join(goldenFolder, 'soft-labels-v1');
const scratch = temporaryFolder('decant-golden');

for (const mode of ['top-k', 'dense'] as const) {
  const parquet = join(golden, `${mode}.parquet`);
  const json = join(golden, `${mode}.json`);

  before(async () => {
    if (process.env['UPDATE_GOLDEN'] !== '1') return;
    mkdirSync(golden, { recursive: true });
    const meta = sampleMeta(mode);
    const rows = sampleRows(meta, 12);
    await writeSoftLabelShard(parquet, rows, meta);
    writeFileSync(json, `${JSON.stringify({ meta, rows: plain(rows) }, null, 1)}\n`);
  });

  test(`the golden ${mode} file of format version 1 reads as its JSON says`, async () => {
    const folder = join(scratch, mode);
    mkdirSync(folder);
    writeFileSync(join(folder, 'part-00000.parquet'), readFileSync(parquet));
    const reader = await openSoftLabels(folder);
    const rows = await reader.readShard(0);
    await reader.close();
    const expected: unknown = JSON.parse(readFileSync(json, 'utf8'));
    assert.deepEqual(
      JSON.parse(JSON.stringify({ meta: reader.meta, rows: plain(rows) })),
      expected,
    );
  });

  test(`the same ${mode} rows make the same bytes as the golden file`, async () => {
    const path = join(scratch, `${mode}.parquet`);
    const meta = sampleMeta(mode);
    await writeSoftLabelShard(path, sampleRows(meta, 12), meta);
    assert.ok(readFileSync(path).equals(readFileSync(parquet)), 'renew with UPDATE_GOLDEN=1');
  });
}

/** Typed arrays as JSON arrays. float32 values are exact as JSON numbers. */
function plain(rows: SoftLabelRows): object {
  return {
    ...rows,
    topIds: [...rows.topIds],
    topLogits: [...rows.topLogits],
    logits: [...rows.logits],
    logSumExp: rows.logSumExp.map((column) => [...column]),
    tailLogMass: rows.tailLogMass.map((column) => [...column]),
    entropyNats: [...rows.entropyNats],
  };
}
