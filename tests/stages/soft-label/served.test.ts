import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SPLITS } from '#datasets/example.ts';
import type { EarlierArtifact } from '#stages/stage.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import {
  asEarlier,
  baseConfig,
  CLASS_COUNT,
  corpusOf,
  rowsOf,
  runSoftLabel,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

const files = { model: [writeTeacher()] };
const inputs = await writeCorpus(corpusOf(30));
const noTeacher = { model: ['/there/is/no/teacher.onnx'] };

type Config = Readonly<Record<string, unknown>>;
const dense: Config = { keep: 'all', temperatures: [1, 2] };
const wide: Config = { topK: 5, temperatures: [1, 2, 4] };

/** What the teacher says with these settings, by settings: a finished run is changed by nobody. */
const runs = new Map<string, Promise<StageRun>>();

function spoken(config: Config): Promise<StageRun> {
  const key = JSON.stringify(config);
  const run = runs.get(key) ?? runSoftLabel({ inputs, files, config });
  runs.set(key, run);
  return run;
}

/** Serves `wanted` from a cache of `held`, without a teacher, and makes it anew beside it. */
async function served(held: Config, wanted: Config) {
  const before = await spoken(held);
  const earlier = [{ ...asEarlier(before, { ...baseConfig, ...held }), sameRecipe: false }];
  const run = await runSoftLabel({ inputs, files: noTeacher, config: wanted, earlier });
  assert.equal(run.counts['teacherRows'], 0);
  assert.equal(run.counts['rowsReused'], 36);
  return { run, anew: await spoken(wanted) };
}

const equalBytes: readonly (readonly [what: string, held: Config, wanted: Config])[] = [
  ['another codec and shard size', {}, { codec: 'snappy', shardRows: 7 }],
  ['compact from float32', {}, { precision: 'compact' }],
  ['small from float32', {}, { precision: 'small' }],
  ['compact in other files', { precision: 'compact' }, { precision: 'compact', shardRows: 7 }],
  ['draws from every logit', dense, { keep: 'sampled', temperatures: [2], samples: 9 }],
  [
    'the same draws',
    { keep: 'sampled', temperatures: [1] },
    { keep: 'sampled', temperatures: [1], shardRows: 9 },
  ],
];
for (const [what, held, wanted] of equalBytes) {
  test(`a cache serves ${what}: no teacher row, and the bytes of a fresh run`, async () => {
    const { run, anew } = await served(held, wanted);
    assert.deepEqual(await bytesOf(run), await bytesOf(anew));
  });
}

const nearNumbers: readonly (readonly [what: string, held: Config, wanted: Config])[] = [
  ['a smaller k', wide, { topK: 2, temperatures: [1, 2, 4] }],
  [
    'a smaller k at fewer temperatures, compact',
    wide,
    { topK: 2, temperatures: [4, 1], precision: 'compact' },
  ],
  ['a top k from every logit', dense, { topK: 3, temperatures: [1, 2] }],
  ['a temperature that every logit did not store', dense, { topK: 3, temperatures: [1, 3] }],
  ['every logit at another temperature', dense, { keep: 'all', temperatures: [1, 7] }],
];
for (const [what, held, wanted] of nearNumbers) {
  test(`a cache serves ${what}: no teacher row, numbers within 2e-6, and the files say derived`, async () => {
    const { run, anew } = await served(held, wanted);
    for (const split of SPLITS) {
      const [found, expected] = [await rowsOf(run, split), await rowsOf(anew, split)];
      const { runtime } = found.meta;
      assert.match(runtime, /^derived\+onnxruntime/);
      assert.deepEqual({ ...found.meta, runtime: expected.meta.runtime }, expected.meta);
      assert.deepEqual(found.rows.topIds, expected.rows.topIds);
      assert.deepEqual(found.rows.logits, expected.rows.logits);
      const columns = [found.rows, expected.rows].map((rows) =>
        [...rows.logSumExp, ...rows.tailLogMass, rows.topLogits].flatMap((values) => [...values]),
      );
      // A rounded logit may fall to the other side of half a step.
      const tolerance = wanted['precision'] === 'compact' ? 1 / 2000 : 2e-6;
      columns[0]?.forEach((value, place) => {
        const difference = Math.abs(value - (columns[1]?.[place] ?? Number.NaN));
        assert.ok(difference <= tolerance, `${value} differs by ${difference}`);
      });
    }
  });
}

test('fewer temperatures of the same classes are those that the cache holds, bit by bit', async () => {
  const { run } = await served(wide, { topK: 5, temperatures: [4, 1] });
  const all = await spoken(wide);
  const [found, expected] = [await rowsOf(run, 'train'), await rowsOf(all, 'train')];
  const picked = <T>(values: readonly T[]) => [values[2], values[0]];
  assert.deepEqual(found.rows.logSumExp, picked(expected.rows.logSumExp));
  assert.deepEqual(found.rows.tailLogMass, picked(expected.rows.tailLogMass));
  assert.deepEqual(found.rows.topLogits, expected.rows.topLogits);
  assert.equal(found.meta.runtime, expected.meta.runtime);
});

const unserved: readonly (readonly [what: string, held: Config, wanted: Config])[] = [
  ['a larger k', { topK: 2 }, { topK: 3 }],
  ['every logit from a top k', wide, dense],
  ['a temperature that a top k does not hold', {}, { temperatures: [1, 3] }],
  ['float32 from compact', { precision: 'compact' }, {}],
  ['a smaller k from compact', { precision: 'compact' }, { precision: 'compact', topK: 2 }],
  ['small from compact', { precision: 'compact' }, { precision: 'small' }],
  ['draws from a top k', wide, { keep: 'sampled', temperatures: [1] }],
  [
    'fewer draws',
    { keep: 'sampled', temperatures: [1] },
    { keep: 'sampled', temperatures: [1], samples: 5 },
  ],
  ['another length of input', { maxLength: 40 }, {}],
];
for (const [what, held, wanted] of unserved) {
  test(`a cache does not serve ${what}: every row meets the teacher`, async () => {
    const before = await spoken(held);
    const earlier = [{ ...asEarlier(before, { ...baseConfig, ...held }), sameRecipe: false }];
    const run = await runSoftLabel({ inputs, files, config: wanted, earlier });
    assert.equal(run.counts['teacherRows'], 36);
  });
}

test('of several caches that serve, the one whose rows are copied is taken', async () => {
  const wanted = { topK: 2 };
  const asOther = async (config: Config, earlier: EarlierArtifact[] = []) => {
    const run =
      earlier.length === 0
        ? await spoken(config)
        : await runSoftLabel({ inputs, files, config, earlier });
    return { ...asEarlier(run, { ...baseConfig, ...config }), sameRecipe: false };
  };
  const every = await asOther(dense);
  const derived = await asOther({ ...wanted, shardRows: 5 }, [every]);
  const exact = await asOther({ ...wanted, shardRows: 6 });
  const earlier = [derived, every, exact];
  const run = await runSoftLabel({ inputs, files: noTeacher, config: wanted, earlier });
  assert.doesNotMatch((await rowsOf(run, 'train')).meta.runtime, /derived/);
  assert.deepEqual(await bytesOf(run), await bytesOf(await spoken(wanted)));
});

test('new rows meet the teacher beside served ones, and the files name both origins', async () => {
  const before = await spoken(dense);
  const earlier = [{ ...asEarlier(before, { ...baseConfig, ...dense }), sameRecipe: false }];
  const grown = await writeCorpus(corpusOf(32));
  const run = await runSoftLabel({ inputs: grown, files, earlier });
  assert.equal(run.counts['teacherRows'], 2);
  const { meta, rows } = await rowsOf(run, 'train');
  assert.match(meta.runtime, /^derived\+onnxruntime/);
  assert.equal(rows.rowCount, 32);
  assert.ok(rows.topIds.every((id) => id < CLASS_COUNT));
});

async function bytesOf(run: StageRun): Promise<Buffer[]> {
  const shards = await Promise.all(SPLITS.map(async (split) => (await rowsOf(run, split)).shards));
  return shards.flat().map((path) => readFileSync(path));
}
