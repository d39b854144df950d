import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readPredictions } from '#datasets/predictions.ts';
import { readProbe } from '#datasets/probe.ts';
import { openSoftLabels, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import { prepare } from '#stages/prepare/index.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { targetsOfCache } from '#stages/train-student/targets/target-source.ts';
import { openWordTransferSet } from '#stages/train-student/words/word-transfer-set.ts';
import { corpusFile, jsonLines } from '#tests/support/corpus-file.ts';
import { sharedFolder } from '#tests/support/paths.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { SNIPS, slotSentences } from '#tests/support/snips.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { exampleId, softLabelsOf, tinyMeta } from '#tests/support/tiny-world.ts';

/** Two sentences; the student sees words 0 and 2 of the first, words 0 and 1 of the second. */
const tokens: TokenTable = {
  exampleIds: [exampleId(1), exampleId(2)],
  offsets: Int32Array.of(0, 5, 9),
  tokenIds: Int32Array.of(2, 11, 12, 13, 3, 2, 21, 22, 3),
  typeIds: null,
  truncated: new Uint8Array(2),
  answers: {
    offsets: Int32Array.of(0, 2, 4),
    at: Int32Array.of(1, 3, 1, 2),
    positions: Int32Array.of(0, 2, 0, 1),
  },
  tokenizerDigest: 'b'.repeat(64),
  maxLength: 16,
};

const gold = new Map([[exampleId(1), Int32Array.of(2, 0, 1)]]);

describe('words of teacher and student are joined by their number', () => {
  const folder = temporaryFolder();
  const meta = tinyMeta({ perToken: true });

  test('a word that only one of them has loses its soft loss, or all of it', async () => {
    // The teacher speaks of words 0 and 1 of the first sentence, and of word 1 of the second.
    const rows = softLabelsOf(
      'train',
      [
        { id: exampleId(1), logits: [3, 1, 0] },
        { id: exampleId(1), logits: [0, 3, 1] },
        { id: exampleId(2), logits: [1, 0, 3] },
      ],
      meta,
    );
    const positions = Int32Array.of(0, 1, 1);
    await writeSoftLabelShard(join(folder, 'part-00000.parquet'), { ...rows, positions }, meta);
    const reader = await openSoftLabels(folder);
    const softTargets = await targetsOfCache(reader, 2);
    for (const memoryLimitBytes of [0, 2 ** 30]) {
      const set = await openWordTransferSet({ tokens, gold, softTargets, memoryLimitBytes });
      assert.deepEqual([set.rowCount, set.goldCount, set.lengths], [2, 1, [5, 4]]);
      const [first, second] = await set.readShard(0);
      const shown = [first, second].map((row) =>
        row?.answers?.map(({ at, gold, soft }) => [
          at,
          gold.map(({ labelId }) => labelId),
          soft?.type === 'top-k' ? soft.topIds[0] : null,
        ]),
      );
      assert.deepEqual(shown, [
        [
          [1, [2], 0],
          [3, [1], null],
        ],
        [[2, [], 2]],
      ]);
      assert.deepEqual([first?.gold, first?.soft], [[], null]);
    }
    await reader.close();
  });

  test('without a teacher only sentences with a labelled word that is seen take part', async () => {
    const set = await openWordTransferSet({ tokens, gold, softTargets: null, memoryLimitBytes: 0 });
    assert.deepEqual([set.rowCount, set.goldCount, set.soft], [1, 1, null]);
  });
});

test('a tagger learns slots from gold labels alone, without any soft label', {
  skip: SNIPS.skip,
}, async () => {
  const intents = ['GetWeather', 'RateBook'];
  const train = slotSentences(intents, 'train', 400);
  const held = slotSentences(intents, 'validate', 60);
  const names = [...new Set([...train, ...held].flatMap(({ labels }) => labels))].sort();
  const folder = temporaryFolder();
  const id2label = Object.fromEntries(names.map((name, id) => [id, name]));
  const tokenizer = 'data/tokenizers/bert-base-uncased/tokenizer.json';
  const prepared = await runStage(prepare, {
    config: { task: 'token-classification', studentMaxLength: 64 },
    files: {
      train: [corpusFile(folder, 'train.jsonl', jsonLines(train))],
      validation: [corpusFile(folder, 'validation.jsonl', jsonLines(held))],
      test: [corpusFile(folder, 'test.jsonl', jsonLines(held.slice(0, 1)))],
      teacherConfig: [corpusFile(folder, 'config.json', JSON.stringify({ id2label }))],
      teacherTokenizer: [join(sharedFolder() ?? '', tokenizer)],
    },
  });
  const { outputs } = await runStage(trainStudent, {
    config: {
      task: 'token-classification',
      architecture: 'bert',
      layers: 1,
      hiddenSize: 64,
      steps: 150,
      evaluateEvery: 75,
      batchSize: 16,
      learningRate: 0.005,
      softLossWeight: 0,
      hardLossWeight: 1,
    },
    inputs: prepared.outputs,
  });
  const lines = readFileSync(join(outputs['log'] ?? '', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
  const measured = lines.map((line) => JSON.parse(line)).filter(({ entityF1 }) => entityF1 >= 0);
  assert.equal(measured.length, 2);
  assert.ok(measured[1].entityF1 > 0.6, `F1 of ${measured[1].entityF1}`);
  assert.equal(measured[1].agreement, null);
  const predictions = await readPredictions(outputs['predictions'] ?? '', 'validation');
  const words = held.flatMap(({ tokens }) => tokens).length;
  assert.ok(predictions.positions !== undefined && predictions.rowCount > 0.9 * words);
  for (const { answerAt = [], logits, tokenIds } of await readProbe(outputs['student'] ?? '')) {
    assert.equal(logits.length, answerAt.length * names.length);
    assert.ok(answerAt.every((at) => at > 0 && at < tokenIds.length - 1));
  }
});
