import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { SPLITS, type Split } from '#datasets/example.ts';
import type { SoftLabelRows } from '#datasets/soft-labels.ts';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { type OnnxSession, openSession } from '#stages/onnx/session.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import { checkTeacher, teacherCheckSchema } from '#stages/soft-label/check-teacher.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { teacherOf } from '#stages/soft-label/teacher.ts';
import {
  askTeacher,
  bankQuestions,
  corpusFiles,
  prepareFor,
  tokensOfSplit,
} from '#tests/support/language-model-runs.ts';
import {
  characterTokenizer,
  countTrigrams,
  nextLogProbs,
  trigramGraph,
  writeTeacherFolder,
} from '#tests/support/language-models.ts';
import { lexicalLogProbs } from '#tests/support/lexical-model.ts';
import { wordsOf, writeLexicalTeacher } from '#tests/support/lexical-teacher.ts';
import { writeMaskedLanguageModel } from '#tests/support/masked-language-model.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { VOCABULARY } from '#tests/support/tied-decoder.ts';
import { asEarlier, rowsOf } from './small-run.ts';

const questions = bankQuestions(100);
const paragraphs = (from: number, to: number) =>
  questions
    .slice(from, to)
    .map(({ text }) => text)
    .join('\n\n');

const text = {
  train: paragraphs(0, 60),
  validation: paragraphs(60, 80),
  test: paragraphs(80, 100),
};

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

/** Every row of a split with what float64 arithmetic says of it: [row, log p of each class, right class]. */
async function* rowsWithOracle(
  run: StageRun,
  prepared: StageRun,
  split: Split,
  oracle: (tokens: number[], targets: number[], place: number) => Float64Array,
): AsyncGenerator<{ rows: SoftLabelRows; row: number; logProbs: Float64Array; original: number }> {
  const { rows } = await rowsOf(run, split);
  const tokens = await tokensOfSplit(prepared, split);
  for (const [row, exampleId] of rows.exampleIds.entries()) {
    const {
      tokenIds = [],
      targetIds = [],
      originals = [],
      positions = [],
    } = tokens.get(exampleId) ?? {};
    const place = rows.positions?.[row] ?? -1;
    const logProbs = oracle(tokenIds, targetIds, place);
    yield { rows, row, logProbs, original: originals[positions.indexOf(place)] ?? -1 };
  }
}

function near(found: number | undefined, wanted: number, tolerance = 1e-5): void {
  assert.ok(Math.abs((found ?? Number.NaN) - wanted) <= tolerance, `${found} instead of ${wanted}`);
}

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

/** The sample's encoder with its embeddings as decoder: 30,522 classes, each place 47 MB of products. */
const maskedTeacher = join(temporaryFolder(), 'masked');
const maskedConfig = { task: 'masked-lm', topK: 32, temperatures: [1], tokenBudget: 512 };

test('where the head is computed for the asked tokens alone, every file has the same bytes', async () => {
  writeMaskedLanguageModel(maskedTeacher);
  const few = {
    train: paragraphs(0, 20),
    validation: paragraphs(60, 64),
    test: paragraphs(80, 84),
  };
  const prepared = await prepareFor(maskedTeacher, corpusFiles(few), { task: 'masked-lm' });
  const [early, late] = [
    await askTeacher(maskedTeacher, prepared, maskedConfig),
    await askTeacher(maskedTeacher, prepared, { ...maskedConfig, gather: 'off' }),
  ];
  const files = (run: StageRun) =>
    SPLITS.map((split) => join(run.outputs[`rows/${split}`] ?? '', 'part-00000.parquet')).map(
      (path) => readFileSync(path),
    );
  assert.deepEqual(files(early), files(late));
});

test('at k = 32 of 30,522 at most 1 % of the logits leave the session', async () => {
  const path = join(maskedTeacher, 'model.onnx');
  const keep = keepOf(softLabelConfig.parse({ topK: 32, temperatures: [1] }), VOCABULARY);
  const nodes = readGraphNodes(path);
  const { bytes, edits, outputs } = softLabelHead(skimModelFile(path), {
    ...keep,
    perToken: true,
    nodes,
  });
  const session = await openSession(path, { device: 'cpu', threads: 2, appendix: bytes, edits });
  const seen = { bytes: 0 };
  const counting: OnnxSession = {
    ...session,
    async run(feeds, fetches) {
      const results = await session.run(feeds, fetches);
      for (const result of Object.values(results)) {
        seen.bytes += result.type === 'other' ? 0 : result.data.byteLength;
      }
      return results;
    },
  };
  const teacher = teacherOf(counting, outputs, { keep, padTokenId: 0 });
  const tokenIds = Int32Array.from({ length: 16 }, (_, place) => 1000 + place);
  const at = Int32Array.from({ length: 16 }, (_, place) => place);
  const row = { exampleId: '', split: 'train', sourceId: null, text: null, typeIds: null } as const;
  const rows = [0, 1].map(() => ({ ...row, tokenIds, answers: { at, positions: at } }));
  // The first batch brings its logits once, to be looked at.
  await teacher.label(rows, 16);
  seen.bytes = 0;
  await teacher.label(rows, 16);
  await teacher.close();
  const dense = 32 * VOCABULARY * 4;
  assert.ok(seen.bytes <= dense / 100, `${seen.bytes} of ${dense} bytes`);
});
