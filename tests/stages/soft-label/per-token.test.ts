import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Split } from '#datasets/example.ts';
import type { SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { tokenTeacher } from '#tests/stages/onnx/logit-models.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  asEarlier,
  CLASS_COUNT,
  corpusOf,
  idOf,
  type RowNumber,
  rowsOf,
  runSoftLabel,
  teacherWeights,
  tokensOf,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

/** Every second token; of some rows none. */
function answersOf(row: RowNumber): number[] {
  if (row % 9 === 8) return [];
  return tokensOf(row).flatMap((_, place) => (place % 2 === 0 ? [place] : []));
}

const corpus = corpusOf(30);

function teacherFile(weights = teacherWeights()): string {
  const path = join(temporaryFolder(), 'teacher.onnx');
  writeFileSync(path, tokenTeacher(weights, CLASS_COUNT));
  return path;
}

async function run(options: Partial<Parameters<typeof runSoftLabel>[0]> = {}): Promise<StageRun> {
  const inputs = await writeCorpus(corpus, { answers: answersOf });
  return runSoftLabel({ inputs, files: { model: [teacherFile()] }, ...options });
}

/** Logits of the token at a place of a row. */
function logitsAt(row: RowNumber, place: number): Float32Array {
  const token = tokensOf(row)[place] ?? 0;
  return teacherWeights().subarray(token * CLASS_COUNT, (token + 1) * CLASS_COUNT);
}

/** [id, position] of all rows that the corpus asks for. */
function expectedKeys(split: Split): string[] {
  return corpus[split].flatMap((row) =>
    answersOf(row).map((place) => `${idOf(row)}/${place * 10}`),
  );
}

function keysOf({ exampleIds, positions }: SoftLabelRows): string[] {
  return exampleIds.map((id, row) => `${id}/${positions?.[row]}`);
}

test('there is a row for each answer, in the order of the corpus, with its position', async () => {
  const { meta, rows } = await rowsOf(await run(), 'train');
  assert.equal(meta.perToken, true);
  assert.deepEqual(keysOf(rows), expectedKeys('train'));
});

test('each row has the numbers of its own token', async () => {
  const { rows } = await rowsOf(await run({ config: { keep: 'all' } }), 'train');
  const expected = corpus.train.flatMap((row) => answersOf(row).map((at) => logitsAt(row, at)));
  assert.deepEqual(rows.logits, Float32Array.from(expected.flatMap((logits) => [...logits])));
  const entropy = (logits: Float32Array) =>
    softmax(logits).reduce((sum, p) => sum - p * Math.log(p), 0);
  for (const [row, logits] of expected.entries()) {
    assert.ok(Math.abs((rows.entropyNats[row] ?? NaN) - entropy(logits)) < 1e-5);
  }
});

test('neither the size of a batch nor its company changes a bit', async () => {
  const [one, other] = await Promise.all(
    [24, 4096].map(async (tokenBudget) => {
      const { shards } = await rowsOf(await run({ config: { tokenBudget } }), 'train');
      return shards.map((path) => readFileSync(path));
    }),
  );
  assert.deepEqual(one, other);
});

for (const config of [
  { keep: 'sampled', temperatures: [1], samples: 20 },
  { keep: 'top-k', precision: 'compact' },
]) {
  test(`rows of tokens are kept as ${JSON.stringify(config)}, too`, async () => {
    const { rows } = await rowsOf(await run({ config }), 'train');
    assert.deepEqual(keysOf(rows), expectedKeys('train'));
  });
}

test('what a sealed cache holds is taken over with all its answers, and only new rows are asked', async () => {
  const inputs = await writeCorpus(corpusOf(20), { answers: answersOf });
  const files = { model: [teacherFile()] };
  const earlier = await runSoftLabel({ inputs, files });
  const grown = await run({ files, earlier: [asEarlier(earlier)] });
  const answered = (corpusOf: readonly RowNumber[]) =>
    corpusOf.filter((row) => answersOf(row).length > 0).length;
  assert.equal(grown.counts['teacherRows'], answered(corpus.train.slice(20)));
  const fresh = await run({ files });
  assert.deepEqual((await rowsOf(grown, 'train')).rows, (await rowsOf(fresh, 'train')).rows);
});

test('finished files of an interrupted run are kept', async () => {
  const folder = temporaryFolder();
  const config = { shardRows: 8 };
  await run({ folder, config });
  const again = await run({ folder, config });
  assert.equal(again.counts['teacherRows'], 0);
});

test('an example with one bad answer is left out whole', async () => {
  const [bad = 0] = tokensOf(4);
  const weights = teacherWeights();
  weights[bad * CLASS_COUNT] = Number.NaN;
  // So many rows that one of them may be bad.
  const inputs = await writeCorpus(corpusOf(1200), {
    answers: answersOf,
    tokens: (row) => tokensOf(row).map((token) => (token === bad && row !== 4 ? bad + 1 : token)),
  });
  const done = await runSoftLabel({ inputs, files: { model: [teacherFile(weights)] } });
  assert.equal(done.counts['quarantined'], 1);
  const { rows } = await rowsOf(done, 'train');
  assert.ok(!rows.exampleIds.includes(idOf(4)));
});

test('a classifier is refused where an answer a token is asked for, and the other way round', async () => {
  await assert.rejects(
    run({ files: { model: [writeTeacher()] } }),
    /output "logits" has the shape \[batch, 6\], and \[batch, sequence, classes\] is asked for/,
  );
  const inputs = await writeCorpus(corpus);
  await assert.rejects(
    runSoftLabel({ inputs, files: { model: [teacherFile()] } }),
    /output "logits" has the shape \[batch, sequence, 6\], and \[batch, classes\] is asked for/,
  );
});
