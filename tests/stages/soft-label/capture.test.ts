import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { readClasses } from '#datasets/classes.ts';
import { SPLITS } from '#datasets/example.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import {
  CLASS_COUNT,
  corpusOf,
  idOf,
  logitsOf,
  near,
  rowsOf,
  runSoftLabel,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

test('every row of every split is written once, in corpus order, with the best classes of the teacher', async () => {
  const corpus = corpusOf(40);
  const model = writeTeacher();
  const run = await runSoftLabel({
    config: { shardRows: 16, tokenBudget: 64 },
    inputs: await writeCorpus(corpus),
    files: { model: [model] },
  });
  for (const split of SPLITS) {
    const { meta, rows, shards } = await rowsOf(run, split);
    assert.deepEqual(rows.exampleIds, corpus[split].map(idOf));
    assert.ok(rows.splits.every((value) => value === split));
    assert.deepEqual(
      rows.sourceIds,
      corpus[split].map((row) => (row % 2 === 0 ? `source-${row}` : null)),
    );
    assert.equal(shards.length, split === 'train' ? 3 : 1);
    assert.equal(meta.mode, 'top-k');
    assert.equal(meta.provider, 'cpu');
    assert.match(meta.runtime, /^onnxruntime 1\./);
    corpus[split].forEach((row, position) => {
      const expected = logitsOf(row);
      const order = expected
        .map((_, id) => id)
        .sort((a, b) => (expected[b] ?? 0) - (expected[a] ?? 0));
      const ids = [...rows.topIds.subarray(position * 3, position * 3 + 3)];
      assert.deepEqual(ids, order.slice(0, 3));
      ids.forEach((id, rank) =>
        near(rows.topLogits[position * 3 + rank], expected[id] ?? NaN, 1e-4),
      );
    });
  }
  assert.deepEqual(run.counts, {
    rowsReused: 0,
    rowsNew: 46,
    rowsGone: 0,
    resumedRows: 0,
    teacherRows: 46,
    quarantined: 0,
  });
  assert.equal((await readClasses(run.outputs['classes'] ?? '')).length, CLASS_COUNT);
  assert.ok(run.events.some((event) => event.type === 'environment' && event.value === 'cpu'));
});

test('top k and tail together are all probability, at every temperature', async () => {
  const run = await runSoftLabel({
    config: { temperatures: [1, 2, 3] },
    inputs: await writeCorpus(corpusOf(30)),
    files: { model: [writeTeacher()] },
  });
  const { meta, rows } = await rowsOf(run, 'train');
  meta.temperatures.forEach((temperature, index) => {
    for (let row = 0; row < rows.rowCount; row++) {
      const top = [...rows.topLogits.subarray(row * 3, row * 3 + 3)];
      const normaliser = rows.logSumExp[index]?.[row] ?? NaN;
      const mass = top.reduce((sum, logit) => sum + Math.exp(logit / temperature - normaliser), 0);
      near(mass + Math.exp(rows.tailLogMass[index]?.[row] ?? NaN), 1, 1e-6);
    }
  });
});

test('keep: all writes every logit in class order', async () => {
  const corpus = corpusOf(20);
  const run = await runSoftLabel({
    config: { keep: 'all' },
    inputs: await writeCorpus(corpus),
    files: { model: [writeTeacher()] },
  });
  const { meta, rows } = await rowsOf(run, 'train');
  assert.deepEqual([meta.mode, meta.topK], ['dense', null]);
  corpus.train.forEach((row, position) => {
    logitsOf(row).forEach((logit, id) =>
      near(rows.logits[position * CLASS_COUNT + id], logit, 1e-4),
    );
  });
});

test('draws are those of p_T, seeded by the example id: the same whatever stands beside a row', async () => {
  const config = { keep: 'sampled', samples: 200, temperatures: [2] };
  const files = { model: [writeTeacher()] };
  const corpus = corpusOf(20);
  const run = await runSoftLabel({ config, inputs: await writeCorpus(corpus), files });
  const { meta, rows } = await rowsOf(run, 'train');
  assert.deepEqual(
    [meta.mode, meta.topK, meta.samples, meta.temperatures],
    ['sampled', null, 200, [2]],
  );
  const { offsets, ids, counts, confidence } = rows.sampled ?? assert.fail();
  corpus.train.forEach((row, position) => {
    const logits = logitsOf(row);
    const [start = 0, end = 0] = offsets.subarray(position, position + 2);
    assert.equal(ids[start], logits.indexOf(Math.max(...logits)), 'the best class stands first');
    near(confidence[position], Math.max(...softmax(logits)), 1e-5);
    const ranked = counts.subarray(start + 1, end);
    assert.deepEqual(
      [...ranked],
      [...ranked].sort((a, b) => b - a),
    );
    const probs = softmax(logits, 2);
    for (let at = start; at < end; at++) {
      // Five standard errors of a share.
      near((counts[at] ?? NaN) / 200, probs[ids[at] ?? -1] ?? NaN, 5 * Math.sqrt(0.25 / 200));
    }
  });
  const alone = await runSoftLabel({ config, inputs: await writeCorpus(corpusOf(1)), files });
  const lone = (await rowsOf(alone, 'train')).rows.sampled;
  assert.deepEqual(lone?.counts, counts.subarray(0, offsets[1]));
  const budget = { ...config, tokenBudget: 1 };
  const again = await runSoftLabel({ config: budget, inputs: await writeCorpus(corpus), files });
  assert.deepEqual(await bytesOf(again), await bytesOf(run));
});

test('compact and small hold the numbers of float32, rounded', async () => {
  const inputs = await writeCorpus(corpusOf(20));
  const files = { model: [writeTeacher()] };
  const exact = await rowsOf(await runSoftLabel({ inputs, files }), 'train');
  for (const [precision, step] of [
    ['compact', 1 / 2048],
    ['small', 1 / 16],
  ] as const) {
    const run = await runSoftLabel({ inputs, files, config: { precision } });
    const { meta, rows } = await rowsOf(run, 'train');
    assert.equal(meta.precision, precision);
    assert.deepEqual(rows.topIds, exact.rows.topIds);
    assert.deepEqual(rows.tailLogMass, exact.rows.tailLogMass);
    rows.topLogits.forEach((logit, i) =>
      near(logit, exact.rows.topLogits[i] ?? NaN, step / 2 + 1e-5),
    );
    rows.logSumExp.forEach((column, t) =>
      column.forEach((value, row) => near(value, exact.rows.logSumExp[t]?.[row] ?? NaN, step)),
    );
  }
});

test('a top k that covers all classes is kept dense, with a note', async () => {
  const run = await runSoftLabel({
    config: { topK: CLASS_COUNT },
    inputs: await writeCorpus(corpusOf(5)),
    files: { model: [writeTeacher()] },
  });
  assert.equal((await rowsOf(run, 'train')).meta.mode, 'dense');
  assert.match(run.notes.join('\n'), /topK 6 covers all 6 classes/);
});

test('an empty split gives one empty file', async () => {
  const run = await runSoftLabel({
    inputs: await writeCorpus({ ...corpusOf(5), validation: [] }),
    files: { model: [writeTeacher()] },
  });
  const { rows, shards } = await rowsOf(run, 'validation');
  assert.equal(rows.rowCount, 0);
  assert.equal(shards.length, 1);
});

test('speed knobs do not change a byte', async () => {
  const inputs = await writeCorpus(corpusOf(60));
  const files = { model: [writeTeacher()] };
  const settings = [
    {},
    { threads: 2 },
    { tokenBudget: 8 },
    { tokenBudget: 100_000, threads: undefined },
    { device: 'auto' },
  ];
  const runs = [];
  for (const config of settings) {
    runs.push(await runSoftLabel({ config: { shardRows: 25, ...config }, inputs, files }));
  }
  const [first, ...others] = await Promise.all(runs.map(bytesOf));
  for (const [index, other] of others.entries()) {
    assert.deepEqual(other, first, JSON.stringify(settings[index + 1]));
  }
});

test('no unfinished file is left behind', async () => {
  const run = await runSoftLabel({
    inputs: await writeCorpus(corpusOf(5)),
    files: { model: [writeTeacher()] },
  });
  assert.deepEqual(readdirSync(run.outputs['rows/train'] ?? ''), ['part-00000.parquet']);
});

async function bytesOf(run: Awaited<ReturnType<typeof runSoftLabel>>) {
  const { digestFile } = await import('#cache/digest.ts');
  const digests: Record<string, string> = {};
  for (const split of SPLITS) {
    const { shards } = await rowsOf(run, split);
    for (const path of shards)
      digests[path.slice(path.lastIndexOf('rows/'))] = await digestFile(path);
  }
  return digests;
}
