import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ROWS_PER_GROUP } from '#datasets/table-file.ts';
import { collectGarbage } from '#stages/collect-garbage.ts';
import { SealedPlaces } from '#stages/soft-label/sealed-places.ts';
import { surveyCorpus } from '#stages/soft-label/survey.ts';
import { openTeacherCorpus } from '#stages/soft-label/teacher-corpus.ts';
import {
  corpusOf,
  idOf,
  logitsOf,
  near,
  rowsOf,
  runSoftLabel,
  VOCABULARY,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

const files = { model: [writeTeacher()] };

test('shards that lie across row groups have the rows of both', async () => {
  const count = ROWS_PER_GROUP + 500;
  const inputs = await writeCorpus(corpusOf(count));
  const run = await runSoftLabel({ inputs, files, config: { keep: 'all', shardRows: 4096 } });
  assert.equal(run.counts['rowsNew'], count + 6);
  const { rows, shards } = await rowsOf(run, 'train');
  assert.equal(shards.length, 3);
  assert.deepEqual(
    rows.exampleIds,
    Array.from({ length: count }, (_, row) => idOf(row)),
  );
  for (let row = ROWS_PER_GROUP - 20; row < ROWS_PER_GROUP + 20; row++) {
    for (const [id, logit] of logitsOf(row).entries()) near(rows.logits[row * 6 + id], logit, 1e-4);
  }
});

test('what is known of the rows before a pass is some numbers of each', async () => {
  const length = 32;
  const few = await heldBySurvey(2 * ROWS_PER_GROUP, length);
  const many = await heldBySurvey(8 * ROWS_PER_GROUP, length);
  const perRow = (many - few) / (6 * ROWS_PER_GROUP);
  assert.ok(perRow < 64, `${perRow} bytes a row are held, of ${4 * length} bytes of tokens`);
});

/** What is held of so many rows once all of them have been looked at, in bytes. */
async function heldBySurvey(count: number, length: number): Promise<number> {
  const tokens = (row: number) =>
    Array.from({ length }, (_, place) => 1 + ((row + place) % (VOCABULARY - 1)));
  const inputs = await writeCorpus(corpusOf(count), { tokens });
  const before = await heldNow();
  const corpus = await openTeacherCorpus({ ...NOWHERE, inputs }, length);
  const survey = await surveyCorpus(corpus, {
    folderOf: (split) => split,
    shardRows: 1000,
    places: new SealedPlaces(),
    isAsked: () => true,
  });
  const held = (await heldNow()) - before;
  assert.equal(survey.shards.length, count / 1000 + 2);
  return held;
}

/** What is held, in bytes. Buffers of what one collection has found are let go a moment later, and counted till then. */
async function heldNow(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await setTimeout(20);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const NOWHERE = {
  config: {},
  files: {},
  outputs: {},
  earlier: [],
  recipe: {},
  recomputeTeacher: false,
  signal: new AbortController().signal,
};
