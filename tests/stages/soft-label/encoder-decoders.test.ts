import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askTeacher, corpusFiles, prepareFor } from '#tests/support/language-model-runs.ts';
import { wordTokenizer, writeTeacherFolder } from '#tests/support/language-models.ts';
import { fitLexicalModel, lexicalGraph, lexicalLogProbs } from '#tests/support/lexical-model.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { asEarlier, rowsOf } from './small-run.ts';
import { near, questions, rowsWithOracle, text } from './token-oracle.ts';

/** A translation model of questions into intents: IBM model 1 and bigrams, fitted to the train pairs. */
async function lexicalTeacher() {
  const words = [...new Set(questions.flatMap(({ text, target }) => wordsOf(`${text} ${target}`)))];
  const folder = temporaryFolder();
  const tokenizer = wordTokenizer(words);
  const ids = (content: string) => [...wordsOf(content).map((word) => 3 + words.indexOf(word)), 1];
  const pairs = questions
    .slice(0, 60)
    .map(({ text, target }) => ({ source: ids(text), target: ids(target) }));
  const size = words.length + 3;
  const fitted = fitLexicalModel(pairs, size, 0);
  const config = { vocab_size: size, decoder_start_token_id: 0, pad_token_id: 0 };
  writeTeacherFolder(folder, { model: lexicalGraph(fitted), tokenizer, config });
  return { folder, fitted };
}

function wordsOf(content: string): string[] {
  return content.toLowerCase().split(/\s+/).filter(Boolean);
}

test('of an encoder-decoder each token of a given target has the numbers of source and target', async () => {
  const { folder, fitted } = await lexicalTeacher();
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

  // What a smaller corpus has asked already is taken over, target and all.
  const smaller = await askTeacher(folder, await prepareFor(folder, files(50), { task }), config);
  const earlier = asEarlier(smaller);
  const grown = await askTeacher(folder, prepared, config, [earlier]);
  assert.equal(grown.counts['teacherRows'], 10);
  assert.deepEqual((await rowsOf(grown, 'train')).rows, (await rowsOf(run, 'train')).rows);
});

test('a teacher with a decoder wants targets, and targets want a decoder', async () => {
  const { folder } = await lexicalTeacher();
  const untargeted = await prepareFor(folder, corpusFiles(text), { task: 'causal-lm' });
  await assert.rejects(
    askTeacher(folder, untargeted, { task: 'causal-lm' }),
    /the teacher reads decoder_input_ids, and the corpus gives no targets/,
  );
});
