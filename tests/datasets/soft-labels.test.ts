import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  concatRows,
  metaAt,
  openSoftLabels,
  type SoftLabelMeta,
  type SoftLabelRows,
  takeRows,
  temperatureIndex,
  temperatureSuffix,
  writeSoftLabelShard,
} from '#datasets/soft-labels.ts';
import { duckdb } from '#tests/support/duckdb.ts';
import {
  SAMPLE_KINDS,
  type SampleKind,
  sampleMeta,
  sampleRows,
} from '#tests/support/soft-label-sample.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const root = temporaryFolder('decant-soft-labels');
let folders = 0;

/** Writes each entry as a shard of a new folder. */
async function folderOf(shards: readonly (readonly [SoftLabelRows, SoftLabelMeta])[]) {
  folders += 1;
  const folder = join(root, String(folders));
  for (const [index, [rows, meta]] of shards.entries()) {
    await writeSoftLabelShard(join(folder, `part-0000${index}.parquet`), rows, meta);
  }
  return folder;
}

async function readAll(folder: string) {
  const reader = await openSoftLabels(folder);
  try {
    const parts: SoftLabelRows[] = [];
    for await (const rows of reader.rows()) parts.push(rows);
    const shards = await Promise.all(reader.shards.map((_, index) => reader.readShard(index)));
    return { meta: reader.meta, rowCount: reader.rowCount, parts, shards };
  } finally {
    await reader.close();
  }
}

for (const kind of SAMPLE_KINDS) {
  test(`${kind} shards come back with their metadata, shard by shard and group by group`, async () => {
    const meta = sampleMeta(kind);
    const rows = await asStored(sampleRows(meta, 25), meta);
    const first = takeRows(
      rows,
      Array.from({ length: 12 }, (_, row) => row),
    );
    const second = takeRows(
      rows,
      Array.from({ length: 13 }, (_, row) => row + 12),
    );
    const read = await readAll(
      await folderOf([
        [first, meta],
        [second, meta],
      ]),
    );
    assert.deepEqual(read.meta, meta);
    assert.equal(read.rowCount, 25);
    assert.deepEqual(read.shards, [first, second]);
    assert.deepEqual(concatRows(read.parts), rows);
  });
}

for (const kind of ['compact', 'small'] as const) {
  test(`${kind} rows that were read are written as the same bytes again`, async () => {
    const meta = sampleMeta(kind);
    const path = (name: string) => join(root, `${kind}-${name}.parquet`);
    const rows = sampleRows(meta, 25);
    await writeSoftLabelShard(path('exact'), rows, meta);
    await writeSoftLabelShard(path('again'), await asStored(rows, meta), meta);
    assert.ok(readFileSync(path('again')).equals(readFileSync(path('exact'))));
  });
}

test('property: top-k rows come back bit by bit, whatever the floats', async () => {
  const meta = { ...sampleMeta('top-k'), temperatures: [1, 2] };
  const bits = (length: number) =>
    fc.uint32Array({ minLength: length, maxLength: length }).map((a) => new Float32Array(a.buffer));
  const anyRows = fc.integer({ min: 1, max: 8 }).chain((rowCount) =>
    fc.record({
      ids: fc.array(fc.nat(4), { minLength: 2 * rowCount, maxLength: 2 * rowCount }),
      topLogits: bits(2 * rowCount),
      flats: fc.tuple(
        bits(rowCount),
        bits(rowCount),
        bits(rowCount),
        bits(rowCount),
        bits(rowCount),
      ),
    }),
  );
  await fc.assert(
    fc.asyncProperty(anyRows, async ({ ids, topLogits, flats: [a, b, c, d, e] }) => {
      const topIds = Int32Array.from(ids);
      const rows = {
        ...sampleRows(meta, a.length),
        topIds,
        topLogits,
        logSumExp: [a, b],
        tailLogMass: [c, d],
        entropyNats: e,
      };
      const { shards } = await readAll(await folderOf([[rows, meta]]));
      const read = shards[0] ?? rows;
      assert.deepEqual(read.topIds, topIds);
      assert.deepEqual(bitsOf(read), bitsOf(rows));
    }),
    { numRuns: 40 },
  );
});

test('an Arrow reader gets integers for fixed point and for draws', async () => {
  const typesOf = async (kind: SampleKind, names: readonly string[]) => {
    const meta = sampleMeta(kind);
    const reader = await openSoftLabels(await folderOf([[sampleRows(meta, 6), meta]]));
    const fields: string[] = [];
    for await (const batch of reader.recordBatches())
      fields.push(...batch.schema.fields.map(String));
    await reader.close();
    return fields.filter((field) => names.some((name) => field.startsWith(name)));
  };
  assert.deepEqual(await typesOf('compact', ['top_']), [
    'top_ids: List<Uint8>',
    'top_log_probs: List<Uint16>',
  ]);
  assert.deepEqual(await typesOf('small', ['top_log', 'log_sum']), [
    'top_log_probs: List<Uint8>',
    'log_sum_exp_t1: Float32',
  ]);
  assert.deepEqual(await typesOf('sampled', ['sample_', 'confidence', 'log_', 'tail']), [
    'sample_ids: List<Uint8>',
    'sample_counts: List<Uint8>',
    'confidence: Float32',
  ]);
  assert.deepEqual(await typesOf('tokens', ['position', 'hidden']), [
    'position: Int32',
    'hidden_last_layer: List<Float32>',
  ]);
});

test('class ids take as many bits as the class list needs', async () => {
  for (const [classCount, type] of [
    [256, 'UTINYINT[]'],
    [257, 'USMALLINT[]'],
    [65_537, 'INTEGER[]'],
  ] as const) {
    const classNames = Array.from({ length: classCount }, (_, id) => `${id}`);
    const meta = { ...sampleMeta('compact'), classNames };
    const rows = {
      ...sampleRows(sampleMeta('compact'), 1),
      topIds: Int32Array.of(classCount - 1, 0),
    };
    const folder = await folderOf([[rows, meta]]);
    const { shards } = await readAll(folder);
    assert.deepEqual(shards[0]?.topIds, rows.topIds);
    const described = await duckdb(`SELECT typeof(top_ids) FROM '${folder}/*.parquet'`);
    assert.deepEqual(described, [[type]]);
  }
});

test('an Arrow reader gets the same columns', async () => {
  const meta = sampleMeta('top-k');
  const reader = await openSoftLabels(await folderOf([[sampleRows(meta, 4), meta]]));
  for await (const batch of reader.recordBatches()) {
    assert.equal(batch.numRows, 4);
    assert.deepEqual(batch.schema.fields.map(String), [
      'example_id: Utf8',
      'split: Utf8',
      'source_id: Utf8',
      'top_ids: List<Int32>',
      'top_logits: List<Float32>',
      'log_sum_exp_t1: Float32',
      'log_sum_exp_t1_5: Float32',
      'log_sum_exp_t4: Float32',
      'tail_log_mass_t1: Float32',
      'tail_log_mass_t1_5: Float32',
      'tail_log_mass_t4: Float32',
      'entropy_nats: Float32',
    ]);
  }
  await reader.close();
});

test('DuckDB finds the columns and the footer of a lone file', async () => {
  const meta = sampleMeta('dense');
  const rows = sampleRows(meta, 5);
  const folder = await folderOf([[rows, meta]]);
  const sql = `SELECT example_id, split, source_id, logits, log_sum_exp_t1_5, entropy_nats FROM '${folder}/*.parquet'`;
  const found = await duckdb(sql);
  assert.deepEqual(
    found,
    rows.exampleIds.map((id, row) => [
      id,
      'train',
      rows.sourceIds[row],
      [...rows.logits.subarray(row * 5, row * 5 + 5)],
      rows.logSumExp[1]?.[row],
      rows.entropyNats[row],
    ]),
  );
  const footer = await duckdb(
    `SELECT decode(key), decode(value) FROM parquet_kv_metadata('${folder}/part-00000.parquet')`,
  );
  const values = Object.fromEntries(footer);
  assert.equal(values['decant.format_version'], '1');
  assert.deepEqual(JSON.parse(values['decant.classes']), meta.classNames);
  assert.deepEqual(JSON.parse(values['decant.temperatures']), [1, 1.5, 4]);
});

test('shards of different runs are refused, and the field is named', async () => {
  const meta = sampleMeta('top-k');
  const rows = sampleRows(meta, 2);
  const refuses = async (other: SoftLabelMeta, message: RegExp) => {
    const folder = await folderOf([
      [rows, meta],
      [rows, other],
    ]);
    await assert.rejects(openSoftLabels(folder), (error) => {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'E_SOFT_LABELS_MIXED');
      assert.match(error.message, message);
      return true;
    });
  };
  await refuses(
    { ...meta, provider: 'cuda' },
    /part-00001.*: provider is "cuda", but "cpu" in .*part-00000/,
  );
  await refuses({ ...meta, teacherDigest: 'c' }, /teacherDigest/);
  await refuses({ ...meta, classNames: meta.classNames.toReversed() }, /classNames/);
  await refuses({ ...meta, maxLength: 32 }, /maxLength is 32, but 64/);
});

test('a folder without shards is refused', async () => {
  await assert.rejects(openSoftLabels(join(root, 'nowhere')), /nowhere: the folder is missing/);
  await assert.rejects(openSoftLabels(root), /no part-\*\.parquet/);
});

test('rows that contradict the metadata are refused before a file is made', async () => {
  const meta = sampleMeta('top-k');
  const rows = sampleRows(meta, 2);
  const path = join(root, 'refused', 'part-00000.parquet');
  const refuses = (broken: SoftLabelRows, message: RegExp) =>
    assert.rejects(writeSoftLabelShard(path, broken, meta), message);
  await refuses({ ...rows, rowCount: 3 }, /column "example_id": 2 values, not 3/);
  await refuses(
    { ...rows, topLogits: rows.topLogits.subarray(1) },
    /"top_logits": 3 values, not 4/,
  );
  await refuses({ ...rows, logSumExp: [] }, /"log_sum_exp_t1": 0 values, not 2/);
  await refuses({ ...rows, topIds: Int32Array.of(0, 1, 2, 5) }, /class 5 of 5 classes/);
  await refuses({ ...rows, logits: new Float32Array(10) }, /"logits": 10 values, not 0/);
  const [tokens, drawn] = [sampleMeta('tokens'), sampleMeta('sampled')];
  const [tokenRows, drawnRows] = [sampleRows(tokens, 6), sampleRows(drawn, 2)];
  const refusesAs = (other: SoftLabelMeta, broken: SoftLabelRows, message: RegExp) =>
    assert.rejects(writeSoftLabelShard(path, broken, other), message);
  await refusesAs(
    tokens,
    { ...tokenRows, positions: Int32Array.of(1, 3, 5, 1, 3, 3) },
    /3 follows 3/,
  );
  await refusesAs(tokens, takeRows(tokenRows, [0, 3, 1]), /example 0+ stands in two places/);
  await refusesAs(tokens, { ...tokenRows, hidden: {} }, /"hidden_last_layer": 0 values, not 18/);
  await refusesAs(meta, { ...rows, positions: Int32Array.of(0, 1) }, /"position": 2 values, not 0/);
  const { sampled, ...without } = drawnRows;
  await refusesAs(drawn, without, /"sample_ids": 0 values/);
  await refusesAs(
    drawn,
    { ...drawnRows, sampled: { ...(sampled ?? assert.fail()), offsets: Int32Array.of(0, 1) } },
    /sample_ids/,
  );
  const compact = sampleMeta('compact');
  const [, ...others] = rows.topLogits;
  const broken = { ...rows, topLogits: Float32Array.of(Number.NaN, ...others) };
  await refusesAs(compact, broken, /a logit or its normaliser is not a number/);
  assert.equal(readdirSync(root).includes('refused'), false);
});

test('a footer that contradicts itself is refused', async () => {
  const refuses = async (kind: SampleKind, change: Partial<SoftLabelMeta>, message: RegExp) => {
    const meta = sampleMeta(kind);
    const folder = await folderOf([[takeRows(sampleRows(meta, 3), []), { ...meta, ...change }]]);
    await assert.rejects(openSoftLabels(folder), message);
  };
  await refuses('top-k', { mode: 'dense' }, /decant.top_k is 2 in mode dense/);
  await refuses('dense', { samples: 3 }, /decant.samples is 3 in mode dense/);
  await refuses('sampled', { temperatures: [1, 2] }, /samples of 2 temperatures/);
  await refuses('dense', { precision: 'small' }, /decant.precision is small in mode dense/);
  await refuses('compact', { temperatures: [2] }, /is compact without temperature 1/);
});

test('draws that do not add up are refused when they are read', async () => {
  const meta = sampleMeta('sampled');
  const rows = sampleRows(meta, 3);
  const folder = await folderOf([[rows, { ...meta, samples: 51 }]]);
  await assert.rejects(readAll(folder), /row 0 of "sample_counts" has 50 draws, not 51/);
});

test('a temperature that is not stored is refused with the stored ones and the way out', () => {
  const meta = sampleMeta('top-k');
  assert.equal(temperatureIndex(meta, 1.5), 1);
  assert.throws(() => temperatureIndex(meta, 2), {
    kind: 'usage',
    message: 'temperature 2 is not in the soft labels: they hold 1, 1.5, 4',
    fix: "decant run --set soft-label.temperatures='[1, 1.5, 2, 4]'",
  });
});

test('column names carry the temperature with an underscore for the point', () => {
  assert.deepEqual([1, 1.5, 10].map(temperatureSuffix), ['t1', 't1_5', 't10']);
});

test('an empty shard has all columns and no rows', async () => {
  const meta = sampleMeta('top-k');
  const none = takeRows(sampleRows(meta, 3), []);
  const { shards, rowCount } = await readAll(await folderOf([[none, meta]]));
  assert.equal(rowCount, 0);
  assert.deepEqual(shards, [none]);
});

test('rows can be taken in any order, twice, and put together again', () => {
  const rows = sampleRows(sampleMeta('top-k'), 3);
  const taken = takeRows(rows, [2, 0, 2]);
  assert.deepEqual(
    taken.exampleIds,
    [2, 0, 2].map((row) => rows.exampleIds[row]),
  );
  assert.deepEqual(taken.topIds.subarray(2, 4), rows.topIds.subarray(0, 2));
  assert.deepEqual(
    concatRows([takeRows(rows, [0]), takeRows(rows, []), takeRows(rows, [1, 2])]),
    rows,
  );
  assert.throws(() => takeRows(rows, [3]), /row 3 of 3/);
});

/** The rows as a file holds them: fixed point is rounded. */
async function asStored(rows: SoftLabelRows, meta: SoftLabelMeta): Promise<SoftLabelRows> {
  const { shards } = await readAll(await folderOf([[rows, meta]]));
  return shards[0] ?? rows;
}

/** All floats of these rows as bit patterns: NaN payloads and signs of zero count. */
function bitsOf(rows: SoftLabelRows): number[][] {
  const columns = [rows.topLogits, ...rows.logSumExp, ...rows.tailLogMass, rows.entropyNats];
  return columns.map((column) => [
    ...new Uint32Array(column.buffer, column.byteOffset, column.length),
  ]);
}

for (const kind of SAMPLE_KINDS) {
  test(`${kind} shards give their ids alone, and their numbers for one temperature alone`, async () => {
    const meta = sampleMeta(kind);
    const reader = await openSoftLabels(await folderOf([[sampleRows(meta, 25), meta]]));
    const whole = await reader.readShard(0);
    assert.deepEqual(await reader.readIds(0), whole.exampleIds);
    for (const temperature of [...meta.temperatures, 7]) {
      const place = meta.temperatures.indexOf(temperature);
      const at = (values: readonly Float32Array[]) => (place < 0 ? [] : [values[place]]);
      const { exampleIds: _ids, splits: _splits, sourceIds: _sources, hidden, ...rest } = whole;
      assert.deepEqual(await reader.readNumbers(0, temperature), {
        ...rest,
        logSumExp: at(whole.logSumExp),
        tailLogMass: at(whole.tailLogMass),
      });
      assert.equal(hidden === undefined, kind !== 'tokens');
      assert.deepEqual(metaAt(meta, temperature).temperatures, place < 0 ? [] : [temperature]);
    }
    await assert.rejects(reader.readIds(1), /shard 1 of 1/);
    await reader.close();
  });
}
