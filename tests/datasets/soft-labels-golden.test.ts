import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { openSoftLabels, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { SAMPLE_KINDS, sampleMeta, sampleRows } from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

// Every version of the format that was ever written stays readable: these files are never deleted.
const golden = join(goldenFolder, 'soft-labels-v1');
const scratch = temporaryFolder('decant-golden');

/** What today's writer makes; the others were written before floats were split into their bytes. */
const current = SAMPLE_KINDS.map((kind) => ({ kind, name: `split-${kind}` }));
const names = ['top-k', 'dense', ...current.map(({ name }) => name)];

before(async () => {
  if (process.env['UPDATE_GOLDEN'] !== '1') return;
  for (const { kind, name } of current) {
    const meta = sampleMeta(kind);
    const parquet = join(golden, `${name}.parquet`);
    await writeSoftLabelShard(parquet, sampleRows(meta, 12), meta);
    writeFileSync(join(golden, `${name}.json`), `${JSON.stringify(await read(name), null, 1)}\n`);
  }
});

for (const name of names) {
  test(`the golden ${name} file of format version 1 reads as its JSON says`, async () => {
    const expected: unknown = JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8'));
    assert.deepEqual(await read(name), expected);
  });
}

for (const { kind, name } of current) {
  test(`the same ${kind} rows make the same bytes as the golden file`, async () => {
    const path = join(scratch, `${name}.parquet`);
    const meta = sampleMeta(kind);
    await writeSoftLabelShard(path, sampleRows(meta, 12), meta);
    const expected = readFileSync(join(golden, `${name}.parquet`));
    assert.ok(readFileSync(path).equals(expected), 'renew with UPDATE_GOLDEN=1');
  });
}

/** The metadata and the rows of a golden file as JSON has them. */
async function read(name: string): Promise<unknown> {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  const parquet = readFileSync(join(golden, `${name}.parquet`));
  writeFileSync(join(folder, 'part-00000.parquet'), parquet);
  const reader = await openSoftLabels(folder);
  try {
    const { meta } = reader;
    return JSON.parse(JSON.stringify({ meta, rows: await reader.readShard(0) }, arraysAsLists));
  } finally {
    await reader.close();
  }
}

/** Typed arrays as JSON arrays. float32 values are exact as JSON numbers. */
function arraysAsLists(_key: string, value: unknown): unknown {
  return value instanceof Float32Array || value instanceof Int32Array ? [...value] : value;
}
