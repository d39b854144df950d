import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeRows } from '#datasets/remove-rows.ts';
import { graph, model, node, tensor, valueInfo } from '#stages/onnx/wire.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  asEarlier,
  baseConfig,
  CLASS_COUNT,
  corpusOf,
  idOf,
  rowsOf,
  runSoftLabel,
  teacherWeights,
  tokensOf,
  VOCABULARY,
  writeCorpus,
} from './small-run.ts';

const corpus = corpusOf(12);
const inputs = await writeCorpus(corpus);

/** Logits are sums of class weights; `/bag/pooled` is [batch, 6], `vectors` is [batch, sequence, 6]. */
function teacher(): string {
  const path = join(temporaryFolder(), 'teacher.onnx');
  const shape = ['batch', 'sequence'];
  const axes = { axes: { ints: [1] }, keepdims: { int: 0 } };
  const content = graph({
    name: 'features',
    nodes: [
      node('Gather', ['weights', 'input_ids'], ['vectors']),
      node('Cast', ['attention_mask'], ['mask'], { to: { int: 1 } }),
      node('Unsqueeze', ['mask'], ['mask3'], { axes: { ints: [2] } }),
      node('Mul', ['vectors', 'mask3'], ['seen']),
      node('ReduceSum', ['seen'], ['/bag/pooled'], axes),
      node('Add', ['/bag/pooled', 'bias'], ['logits']),
    ],
    initializers: [
      tensor('weights', 'float32', [VOCABULARY, CLASS_COUNT], teacherWeights()),
      tensor('bias', 'float32', [1], Float32Array.of(1)),
    ],
    inputs: ['input_ids', 'attention_mask'].map((name) => valueInfo(name, 'int64', shape)),
    outputs: [valueInfo('logits', 'float32', ['batch', CLASS_COUNT])],
  });
  writeFileSync(path, model(content, { opset: 12 }));
  return path;
}

const files = { model: [teacher()] };
const hidden = ['/bag/pooled', 'vectors'];

test('tensors inside of the graph are kept as columns: a row of two axes, the first token of three', async () => {
  for (const change of [{}, { keep: 'all' }, { keep: 'sampled', temperatures: [1] }]) {
    const run = await runSoftLabel({ inputs, config: { hidden, ...change }, files });
    const { meta, rows } = await rowsOf(run, 'train');
    assert.deepEqual(meta.hidden, { bag_pooled: CLASS_COUNT, vectors: CLASS_COUNT });
    corpus.train.forEach((row, place) => {
      const tokens = tokensOf(row);
      for (let id = 0; id < CLASS_COUNT; id++) {
        const at = place * CLASS_COUNT + id;
        near(rows.hidden?.['bag_pooled']?.[at], sumOf(tokens, id));
        near(rows.hidden?.['vectors']?.[at], sumOf(tokens.slice(0, 1), id));
      }
    });
  }
});

test('batches change no bit of them, and an empty split says their widths too', async () => {
  const withoutTest = await writeCorpus({ ...corpus, test: [] });
  const runs = [];
  for (const tokenBudget of [2048, 1]) {
    const config = { hidden, tokenBudget, shardRows: 5 };
    runs.push(await runSoftLabel({ inputs: withoutTest, config, files }));
  }
  const [first, second] = await Promise.all(runs.map((run) => rowsOf(run, 'train')));
  assert.deepEqual(second?.rows, first?.rows);
  const [run] = runs;
  assert.ok(run !== undefined);
  const { meta } = await rowsOf(run, 'test');
  assert.deepEqual(meta.hidden, first?.meta.hidden);
});

test('of a task with an answer a token, a feature is that of the token', async () => {
  const perToken = await writeCorpus(corpus, { answers: (row) => [...tokensOf(row).keys()] });
  const run = await runSoftLabel({
    inputs: perToken,
    config: { hidden: ['seen'], output: 'vectors', task: 'token-classification' },
    files: { model: [tokenOutput()] },
  });
  const { rows } = await rowsOf(run, 'train');
  const tokens = corpus.train.flatMap(tokensOf);
  assert.equal(rows.rowCount, tokens.length);
  tokens.forEach((token, place) => {
    near(rows.hidden?.['seen']?.[place * CLASS_COUNT + 2], sumOf([token], 2));
  });
});

test('a cache with features serves who wants none or fewer, and not who wants others', async () => {
  const config = { ...baseConfig, hidden };
  const earlier = [asEarlier(await runSoftLabel({ inputs, config, files }), config)].map((one) => ({
    ...one,
    sameRecipe: false,
  }));
  const asked = async (change: Record<string, unknown>) => {
    const run = await runSoftLabel({
      inputs,
      config: { ...baseConfig, ...change },
      files,
      earlier,
    });
    return { teacherRows: run.counts['teacherRows'], ...(await rowsOf(run, 'train')) };
  };
  const none = await asked({});
  assert.deepEqual(
    [none.teacherRows, none.meta.hidden, none.rows.hidden],
    [0, undefined, undefined],
  );
  const fewer = await asked({ hidden: ['vectors'] });
  assert.deepEqual([fewer.teacherRows, fewer.meta.hidden], [0, { vectors: CLASS_COUNT }]);
  assert.ok(fewer.rows.hidden?.['vectors']?.some((value) => value !== 0));
  assert.equal((await asked({ hidden: ['seen'] })).teacherRows, 18);
});

test('a broken file with features is made again bit for bit, and rows leave it as they leave any other', async () => {
  const folder = temporaryFolder();
  const config = { hidden, shardRows: 5 };
  const run = await runSoftLabel({ inputs, config, files, folder });
  const parts = readdirSync(run.outputs['rows/train'] ?? '').toSorted();
  assert.equal(parts.length, 3);
  const paths = parts.map((part) => join(run.outputs['rows/train'] ?? '', part));
  const before = paths.map((path) => readFileSync(path));
  rmSync(paths[1] ?? '');
  const mended = await runSoftLabel({ inputs, config, files, folder });
  assert.deepEqual([mended.counts['resumedRows'], mended.counts['teacherRows']], [13, 5]);
  assert.deepEqual(
    paths.map((path) => readFileSync(path)),
    before,
  );

  const gone = new Set([2, 7]);
  await removeRows(paths, new Set([...gone].map(idOf)), { shardRows: 5, codec: 'zstd' });
  const left = { ...corpus, train: corpus.train.filter((row) => !gone.has(row)) };
  const without = await runSoftLabel({ inputs: await writeCorpus(left), config, files });
  const [found, wanted] = [await rowsOf(mended, 'train'), await rowsOf(without, 'train')];
  assert.equal(found.rows.rowCount, 10);
  assert.deepEqual(found, { ...wanted, shards: found.shards });
});

test('a tensor that is not there is refused with what there is; two of one column are', async () => {
  await assert.rejects(
    runSoftLabel({ inputs, config: { hidden: ['vector'] }, files }),
    failingWith('E_TEACHER_UNSUPPORTED', 'no tensor "vector"', 'outputs: logits'),
  );
  await assert.rejects(
    runSoftLabel({ inputs, config: { hidden: ['a/b', 'a_b'] }, files }),
    /differ/,
  );
});

/** The same graph with the vectors of the tokens as an output. */
function tokenOutput(): string {
  const path = join(temporaryFolder(), 'tokens.onnx');
  const shape = ['batch', 'sequence'];
  const content = graph({
    name: 'tokens',
    nodes: [
      node('Gather', ['weights', 'input_ids'], ['seen']),
      node('Add', ['seen', 'bias'], ['vectors']),
    ],
    initializers: [
      tensor('weights', 'float32', [VOCABULARY, CLASS_COUNT], teacherWeights()),
      tensor('bias', 'float32', [1], Float32Array.of(1)),
    ],
    inputs: ['input_ids', 'attention_mask'].map((name) => valueInfo(name, 'int64', shape)),
    outputs: [valueInfo('vectors', 'float32', [...shape, CLASS_COUNT])],
  });
  writeFileSync(path, model(content));
  return path;
}

function sumOf(tokens: readonly number[], id: number): number {
  const weights = teacherWeights();
  return tokens.reduce((sum, token) => sum + (weights[token * CLASS_COUNT + id] ?? 0), 0);
}

function near(found: number | undefined, expected: number): void {
  assert.ok(Math.abs((found ?? Number.NaN) - expected) <= 1e-4, `${found} is not ${expected}`);
}
