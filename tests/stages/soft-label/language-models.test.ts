import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { askTeacher, corpusFiles, prepareFor } from '#tests/support/language-model-runs.ts';
import {
  characterTokenizer,
  countTrigrams,
  nextLogProbs,
  trigramGraph,
  writeTeacherFolder,
} from '#tests/support/language-models.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { near, questions, rowsWithOracle, text } from './token-oracle.ts';

/** A causal model of characters, counted on the train text: what it says is known exactly. */
const characters = [...new Set(questions.flatMap(({ text }) => Array.from(text)))].sort();
const characterTeacher = temporaryFolder();
const characterIds = new Map(['<unk>', ...characters].map((piece, id) => [piece, id]));
const trigrams = countTrigrams(
  questions.slice(0, 60).map(({ text }) => Array.from(text, (c) => characterIds.get(c) ?? 0)),
  characters.length + 1,
);

let causal: StageRun;
before(async () => {
  writeTeacherFolder(characterTeacher, {
    model: trigramGraph(trigrams),
    tokenizer: characterTokenizer(characters),
    config: { vocab_size: characters.length + 1 },
  });
  causal = await prepareFor(characterTeacher, corpusFiles(text), {
    task: 'causal-lm',
    teacherMaxLength: 256,
  });
});

const askCausal = (config: object) =>
  askTeacher(characterTeacher, causal, { task: 'causal-lm', maxLength: 256, ...config });

const logSumExp = (values: readonly number[]) =>
  Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));

test('the best tokens, the rest and the normaliser of each place are those of the counts', async () => {
  const run = await askCausal({ topK: 5, temperatures: [1, 2] });
  const oracle = (tokens: number[], _: number[], place: number) =>
    nextLogProbs(trigrams, tokens, place);
  let count = 0;
  for await (const { rows, row, logProbs } of rowsWithOracle(run, causal, 'test', oracle)) {
    const sorted = [...logProbs].sort((a, b) => b - a);
    for (let rank = 0; rank < 5; rank++) {
      near(rows.topLogits[row * 5 + rank], sorted[rank] ?? 0);
      near(logProbs[rows.topIds[row * 5 + rank] ?? -1], sorted[rank] ?? 0);
    }
    for (const [index, temperature] of [1, 2].entries()) {
      const scaled = sorted.map((value) => value / temperature);
      near(rows.logSumExp[index]?.[row], logSumExp(scaled));
      near(rows.tailLogMass[index]?.[row], logSumExp(scaled.slice(5)) - logSumExp(scaled));
    }
    near(rows.entropyNats[row], -sorted.reduce((sum, value) => sum + value * Math.exp(value), 0));
    count += 1;
  }
  assert.equal(
    count,
    questions.slice(80).reduce((sum, question) => sum + question.text.length - 1, 0),
  );
});

test('the mean log-probability of the next character is that of the counts', async () => {
  const run = await askCausal({ keep: 'all' });
  const [sums, own] = [{ cached: 0, counted: 0 }, trigrams.vocabularySize];
  const oracle = (tokens: number[], _: number[], place: number) =>
    nextLogProbs(trigrams, tokens, place);
  for await (const { rows, row, logProbs, original } of rowsWithOracle(
    run,
    causal,
    'train',
    oracle,
  )) {
    sums.cached += (rows.logits[row * own + original] ?? 0) - (rows.logSumExp[0]?.[row] ?? 0);
    sums.counted += logProbs[original] ?? 0;
  }
  near(sums.cached / sums.counted, 1, 1e-6);
});

test('draws of a place have its best token and the exact probability of it', async () => {
  const run = await askCausal({ keep: 'sampled', temperatures: [1], samples: 20 });
  const oracle = (tokens: number[], _: number[], place: number) =>
    nextLogProbs(trigrams, tokens, place);
  for await (const { rows, row, logProbs } of rowsWithOracle(run, causal, 'test', oracle)) {
    near(Math.log(rows.sampled?.confidence[row] ?? 0), Math.max(...logProbs));
    const [from, to] = [rows.sampled?.offsets[row], rows.sampled?.offsets[row + 1]];
    const counts = rows.sampled?.counts.subarray(from, to) ?? [];
    assert.equal(
      [...counts].reduce((sum, drawn) => sum + drawn, 0),
      20,
    );
  }
});
