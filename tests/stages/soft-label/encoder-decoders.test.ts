import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkTeacher, teacherCheckSchema } from '#stages/soft-label/check-teacher.ts';
import { askTeacher, corpusFiles, prepareFor } from '#tests/support/language-model-runs.ts';
import { lexicalLogProbs } from '#tests/support/lexical-model.ts';
import { wordsOf, writeLexicalTeacher } from '#tests/support/lexical-teacher.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { asEarlier, rowsOf } from './small-run.ts';
import { near, questions, rowsWithOracle, text } from './token-oracle.ts';

test('of an encoder-decoder each token of a given target has the numbers of source and target', async () => {
  const folder = temporaryFolder();
  const { fitted } = writeLexicalTeacher(folder, questions.slice(0, 60), questions);
  const task = 'sequence-to-sequence';
  const files = (train: number) =>
    corpusFiles({
      train: questions.slice(0, train),
      validation: questions.slice(60, 80),
      test: questions.slice(80),
    });
  const prepared = await prepareFor(folder, files(60), { task });
  const config = { task, keep: 'all', tokenBudget: 256 };
  const run = await askTeacher(folder, prepared, config);
  let count = 0;
  const oracle = (tokens: number[], targets: number[], place: number) =>
    lexicalLogProbs(fitted, tokens, targets[place] ?? -1);
  for await (const { rows, row, logProbs, original } of rowsWithOracle(
    run,
    prepared,
    'test',
    oracle,
  )) {
    const logits = rows.logits.subarray(row * logProbs.length, (row + 1) * logProbs.length);
    for (const [word, logProb] of logProbs.entries()) near(logits[word], logProb, 1e-4);
    assert.ok(original > 0);
    count += 1;
  }
  const targets = questions.slice(80).map(({ target }) => wordsOf(target).length + 1);
  assert.equal(
    count,
    targets.reduce((sum, length) => sum + length, 0),
  );

  const check = await runStage(checkTeacher, {
    config: { share: 0.5, seed: 1, task, device: 'cpu', threads: 2, tokenBudget: 256 },
    inputs: { ...prepared.outputs, ...run.outputs },
    files: { model: [join(folder, 'model.onnx')], modelConfig: [join(folder, 'config.json')] },
  });
  const found = readFileSync(join(check.outputs['check'] ?? '', 'check.json'), 'utf8');
  const { rows: asked, top1Differences, maxDp } = teacherCheckSchema.parse(JSON.parse(found));
  assert.ok(asked > count && top1Differences === 0 && maxDp < 1e-6, found);

  // What a smaller corpus has asked already is taken over, target and all.
  const smaller = await askTeacher(folder, await prepareFor(folder, files(50), { task }), config);
  const earlier = asEarlier(smaller);
  const grown = await askTeacher(folder, prepared, config, [earlier]);
  assert.equal(grown.counts['teacherRows'], 10);
  assert.deepEqual((await rowsOf(grown, 'train')).rows, (await rowsOf(run, 'train')).rows);
});

test('a teacher with a decoder wants targets, and targets want a decoder', async () => {
  const folder = temporaryFolder();
  writeLexicalTeacher(folder, questions.slice(0, 60), questions);
  const untargeted = await prepareFor(folder, corpusFiles(text), { task: 'causal-lm' });
  await assert.rejects(
    askTeacher(folder, untargeted, { task: 'causal-lm' }),
    /the teacher reads decoder_input_ids, and the corpus gives no targets/,
  );
});
