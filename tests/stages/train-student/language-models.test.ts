import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { readPredictions } from '#datasets/predictions.ts';
import { readProbe } from '#datasets/probe.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { readSafetensors } from '#stages/students/safetensors.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { answersPerBatch, goldOfText } from '#stages/train-student/language/language-targets.ts';
import { countedCache } from '#tests/support/counted-cache.ts';
import { failingWith } from '#tests/support/failure.ts';
import {
  bankQuestions,
  corpusFiles,
  prepareFor,
  tokensOfSplit,
} from '#tests/support/language-model-runs.ts';
import {
  characterTokenizer,
  countTrigrams,
  nextLogProbs,
  writeTeacherFolder,
} from '#tests/support/language-models.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const texts = bankQuestions(50).map(({ text }) => text.slice(0, 40));
const characters = [...new Set(texts.join(''))].sort();
const specials = ['[PAD]', '[CLS]', '[SEP]', '[MASK]'];
/** <unk>, and one token more than the tokenizer writes, as many models have. */
const vocabularySize = characters.length + specials.length + 2;
const corpus = corpusFiles({
  train: texts.slice(10).map((text) => ({ text })),
  validation: texts.slice(0, 10).map((text) => ({ text })),
  test: [{ text: 'Where is it?' }],
});

/** Texts of single characters. */
function prepared(task: string): Promise<StageRun> {
  const teacher = writeTeacherFolder(temporaryFolder(), {
    model: new Uint8Array(),
    tokenizer: characterTokenizer(characters, specials),
    config: { vocab_size: vocabularySize },
  });
  const config = { task, teacherMaxLength: 40, studentMaxLength: 40, studentVocabulary: 'full' };
  return prepareFor(teacher, corpus, config);
}

const small = { layers: 1, hiddenSize: 32, heads: 2, steps: 40, evaluateEvery: 20, batchSize: 8 };

describe('a causal student learns from counted characters', () => {
  let inputs: Record<string, string>;
  let distilled: StageRun;
  const steps = { steps: 150, evaluateEvery: 75 };
  const config = {
    ...small,
    ...steps,
    task: 'causal-lm',
    architecture: 'gpt2',
    learningRate: 0.01,
  };

  before(async () => {
    const run = await prepared('causal-lm');
    const train = [...(await tokensOfSplit(run, 'train')).values()];
    const trigrams = countTrigrams(
      train.map(({ tokenIds }) => tokenIds),
      vocabularySize,
    );
    const says = (ids: Int32Array, place: number) => nextLogProbs(trigrams, ids, place);
    const cache = await countedCache(run, says, { topK: 8, temperatures: [1] });
    inputs = { ...run.outputs, ...cache };
    distilled = await runStage(trainStudent, { config: { ...config, temperature: 1 }, inputs });
  });

  test('it says more of unseen text than one that learned from the text alone', async () => {
    const alone = { ...config, softLossWeight: 0, hardLossWeight: 1 };
    const goldOnly = await runStage(trainStudent, { config: alone, inputs });
    const [first = NaN, last = NaN] = likelihoods(distilled);
    const [, ofText = NaN] = likelihoods(goldOnly);
    assert.ok(last < first && first < Math.log(vocabularySize), `${first} ${last}`);
    assert.ok(last < ofText - 0.02, `distilled ${last}, gold only ${ofText}`);
  });

  test('it writes its answers without logits, and a probe of some classes', async () => {
    const tokens = await readTokens(inputs['tokens/student/validation'] ?? '');
    const said = await readPredictions(distilled.outputs['predictions'] ?? '', 'validation');
    assert.equal(said.rowCount, tokens.answers?.at.length);
    assert.equal(said.logits.length, 0);
    assert.ok(said.confidence.every((share) => share > 0 && share <= 1));
    const [input] = await readProbe(distilled.outputs['student'] ?? '');
    assert.equal(
      input?.logits.length,
      (input?.classIds?.length ?? 0) * (input?.answerAt?.length ?? 0),
    );
    const file = join(distilled.outputs['student'] ?? '', 'config.json');
    const { vocab_size, id2label, n_positions } = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual([vocab_size, id2label, n_positions], [vocabularySize, undefined, 40]);
  });

  test('the eager steps give the weights of the recorded ones, dropout included', async () => {
    const few = { ...config, steps: 3, temperature: 1, dropout: 0.1 };
    const weightsOf = async (executor: string) => {
      const run = await runStage(trainStudent, { config: { ...few, executor }, inputs });
      return readSafetensors(join(run.outputs['student'] ?? '', 'model.safetensors'));
    };
    const [graph, eager] = [await weightsOf('graph'), await weightsOf('eager')];
    for (const [name, { values }] of graph) {
      const other = eager.get(name)?.values ?? new Float32Array();
      const worst = Math.max(...values.map((value, i) => Math.abs(value - (other[i] ?? NaN))));
      assert.ok(worst < 1e-5, `${name}: ${worst}`);
    }
  });

  test('no other student says which token follows', async () => {
    const wrong = { ...config, architecture: 'bag', steps: 1 };
    await assert.rejects(
      runStage(trainStudent, { config: { ...wrong, temperature: 1 }, inputs }),
      failingWith('E_STUDENT_SHAPE', 'bag: it does not say which token is likely'),
    );
  });
});

for (const architecture of ['modernbert', 'bert'] as const) {
  test(`a masked student (${architecture}) learns what the teacher says at hidden places alone`, async () => {
    const run = await prepared('masked-lm');
    const counts = new Float64Array(vocabularySize).fill(0.5);
    for (const { tokenIds } of (await tokensOfSplit(run, 'train')).values()) {
      for (const id of tokenIds) counts[id] = (counts[id] ?? 0) + 1;
    }
    const total = counts.reduce((sum, count) => sum + count, 0);
    const frequencies = counts.map((count) => Math.log(count / total));
    const cache = await countedCache(run, () => frequencies, { keep: 'all', temperatures: [1] });
    const config = { ...small, task: 'masked-lm', architecture, softLossWeight: 1 };
    const soft = { ...config, hardLossWeight: 0, temperature: 1, learningRate: 0.01 };
    const inputs = { ...run.outputs, ...cache };
    const student = await runStage(trainStudent, { config: soft, inputs });
    const last = likelihoods(student).at(-1) ?? NaN;
    const tokens = await readTokens(inputs['tokens/student/validation'] ?? '');
    const originals = tokens.answers?.originals ?? new Int32Array();
    const expected =
      -originals.reduce((sum, id) => sum + (frequencies[id] ?? 0), 0) / originals.length;
    assert.ok(Math.abs(last - expected) < 0.15, `${last}, frequencies give ${expected}`);
  });
}

test('room for answers is that of the rows with most of them, of any length that is padded so far', () => {
  const table = {
    exampleIds: ['a', 'b', 'c'],
    offsets: Int32Array.of(0, 8, 14, 30),
    tokenIds: new Int32Array(30),
    typeIds: null,
    truncated: new Uint8Array(3),
    answers: {
      offsets: Int32Array.of(0, 7, 9, 10),
      at: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 1, 4, 3),
      positions: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 1, 4, 3),
      originals: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    },
    tokenizerDigest: '',
    maxLength: 16,
  };
  const sizes = answersPerBatch(table, { buckets: [8, 16], batchSize: 2 });
  assert.deepEqual(
    [...sizes],
    [
      [8, 9],
      [16, 16],
    ],
  );
  assert.deepEqual(goldOfText(table).get('b'), Int32Array.of(-1, 8, -1, -1, 9));
});

/** Nats a token of each measurement on validation. */
function likelihoods(run: StageRun): number[] {
  const lines = readFileSync(join(run.outputs['log'] ?? '', 'metrics.jsonl'), 'utf8').trim();
  return lines
    .split('\n')
    .map((line) => JSON.parse(line))
    .flatMap(({ validationNll }) => (validationNll === undefined ? [] : [validationNll]));
}
