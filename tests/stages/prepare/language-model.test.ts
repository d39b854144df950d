import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { readClasses } from '#datasets/classes.ts';
import { readExamples } from '#datasets/examples.ts';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { prepare } from '#stages/prepare/index.ts';
import { characterTokenizer, wordTokenizer } from '#tests/support/language-models.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { teacherFilesOf } from '#tests/support/prepare-run.ts';
import { runStage, type StageRun } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();

/** Questions of the sample as running text: every one a paragraph. */
function textFile(name: string, from: number, count: number): string {
  const lines = readFileSync(join(sampleFolder('mini'), 'unlabelled.jsonl'), 'utf8').split('\n');
  const texts = lines.slice(from, from + count).map((line): string => JSON.parse(line).text);
  return write(name, texts.join('\n\n'));
}

function write(name: string, content: string | object): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const texts = {
  train: [textFile('train.txt', 0, 60)],
  validation: [textFile('validation.txt', 60, 20)],
  test: [textFile('test.txt', 80, 20)],
};

function run(config: object, files: object = {}): Promise<StageRun> {
  return runStage(prepare, { config, files: { ...texts, ...teacherFilesOf('mini'), ...files } });
}

const tokensOf = (done: StageRun, split = 'train', owner = 'teacher') =>
  readTokens(done.outputs[`tokens/${owner}/${split}`] ?? '');

/** Lists of a table by example. */
function rowsIn({ exampleIds, offsets, tokenIds, targets, answers }: TokenTable) {
  return exampleIds.map((exampleId, row) => {
    const [first, end] = [answers?.offsets[row], answers?.offsets[row + 1]];
    return {
      exampleId,
      tokenIds: [...tokenIds.subarray(offsets[row], offsets[row + 1])],
      targetIds: [...(targets?.ids.subarray(targets.offsets[row], targets.offsets[row + 1]) ?? [])],
      at: [...(answers?.at.subarray(first, end) ?? [])],
      positions: [...(answers?.positions.subarray(first, end) ?? [])],
      originals: [...(answers?.originals?.subarray(first, end) ?? [])],
    };
  });
}

let causal: StageRun;
let masked: StageRun;
before(async () => {
  causal = await run({ task: 'causal-lm' });
  masked = await run({ task: 'masked-lm' });
});

test('every token but the last is asked for, and the next one is right', async () => {
  const rows = rowsIn(await tokensOf(causal));
  assert.equal(rows.length, 60);
  for (const { tokenIds, at, positions, originals } of rows) {
    assert.deepEqual(at, [...tokenIds.keys()].slice(0, -1));
    assert.deepEqual(positions, at);
    assert.deepEqual(originals, tokenIds.slice(1));
  }
});

test('the classes are the pieces of the tokenizer, and nothing is labelled', async () => {
  const vocabulary = readFileSync(join(sampleFolder('mini'), 'teacher', 'vocab.txt'), 'utf8');
  const classes = await readClasses(causal.outputs['classes'] ?? '');
  assert.deepEqual(classes.slice(0, 5), vocabulary.split('\n').slice(0, 5));
  assert.equal(causal.counts['trainRows'], 60);
  assert.deepEqual(causal.warnings, []);
  assert.ok(causal.notes.includes('60 train rows, 20 validation, 20 test'));
});

test('students read the tokens of their teacher, with its whole tokenizer', async () => {
  for (const done of [causal, masked]) {
    assert.deepEqual(await tokensOf(done, 'test', 'student'), await tokensOf(done, 'test'));
  }
  const tokenizer = readFileSync(join(causal.outputs['tokenizer/student'] ?? '', 'tokenizer.json'));
  const own = JSON.parse(
    readFileSync(join(sampleFolder('mini'), 'teacher', 'tokenizer.json'), 'utf8'),
  );
  assert.deepEqual(JSON.parse(tokenizer.toString()).model.vocab, own.model.vocab);
});

test('hidden tokens are asked for, their originals are what a causal model reads, and [CLS] stays', async () => {
  const plain = rowsIn(await tokensOf(causal));
  for (const [row, { tokenIds, at, originals }] of rowsIn(await tokensOf(masked)).entries()) {
    const restored = [...tokenIds];
    for (const [index, place] of at.entries()) restored[place] = originals[index] ?? -1;
    assert.deepEqual(restored, plain[row]?.tokenIds);
    assert.ok(!at.includes(0) && !at.includes(tokenIds.length - 1) && at.length > 0);
  }
});

test('which tokens are hidden depends on seed and example alone, and the digest of the tokens tells', async () => {
  const [own, again, other, more, plain] = await Promise.all(
    [
      masked,
      await run({ task: 'masked-lm' }, { train: [textFile('less.txt', 30, 30)] }),
      await run({ task: 'masked-lm', seed: 2 }),
      await run({ task: 'masked-lm', maskShare: 0.5 }),
      causal,
    ].map((done) => tokensOf(done)),
  );
  assert.ok(own && again && other && more && plain);
  const first = new Map(rowsIn(own).map((row) => [row.exampleId, row]));
  for (const row of rowsIn(again)) assert.deepEqual(row, first.get(row.exampleId));
  assert.equal(again.tokenizerDigest, own.tokenizerDigest);
  assert.notDeepEqual(rowsIn(other), rowsIn(own));
  const digests = [own, other, more, plain].map((table) => table.tokenizerDigest);
  assert.equal(new Set(digests).size, 4);
});

test('a validation split by fraction is taken from rows without labels', async () => {
  const { counts } = await run({ task: 'causal-lm', validationFraction: 0.25 }, { validation: [] });
  const { trainRows = 0, validationRows = 0 } = counts;
  assert.equal(trainRows + validationRows, 60);
  assert.ok(validationRows > 5 && validationRows < 25, `${validationRows}`);
});

test('blocks put end to end are the text, each as long as fits and cut between words', async () => {
  const done = await run({ task: 'causal-lm', textUnit: 'block', teacherMaxLength: 24 });
  const examples = await readExamples(done.outputs['inputs/train'] ?? '');
  assert.equal(
    examples.map(({ text }) => text).join(''),
    readFileSync(texts.train[0] ?? '', 'utf8'),
  );
  assert.equal(done.counts['truncatedRows'], 0);
  const { offsets } = await tokensOf(done);
  const lengths = examples.map((_, row) => (offsets[row + 1] ?? 0) - (offsets[row] ?? 0));
  assert.ok(lengths.every((length) => length <= 24));
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  assert.ok(mean > 21, `${mean}`);
});

test('ids that no piece has are classes with names of their own, and a smaller model is refused', async () => {
  const tokenizer = write('chars.json', characterTokenizer(['a', 'b', ' ']));
  const teacher = (vocabularySize: number) => ({
    train: [write('a.txt', 'ab\n\nba ab')],
    validation: [write('b.txt', 'a b')],
    test: [write('c.txt', 'bb')],
    teacherTokenizer: [tokenizer],
    teacherConfig: [write(`config-${vocabularySize}.json`, { vocab_size: vocabularySize })],
    teacherTokenizerConfig: [],
    teacherSpecialTokens: [],
  });
  const done = await run({ task: 'causal-lm' }, teacher(6));
  const classes = await readClasses(done.outputs['classes'] ?? '');
  assert.deepEqual(classes, ['<unk>', 'a', 'b', ' ', '<unused_4>', '<unused_5>']);
  assert.match(done.notes.join('\n'), /answers with 2 tokens that its tokenizer never writes/);
  await assert.rejects(
    run({ task: 'causal-lm' }, teacher(3)),
    /chars\.json has 4 pieces, but the model has rows for 3 .*config-3\.json: vocab_size/,
  );
  await assert.rejects(run({ task: 'masked-lm' }, teacher(4)), /it names no mask token/);
});

test('a text of one token asks for nothing and is told', async () => {
  const done = await run(
    { task: 'causal-lm' },
    {
      test: [write('one.txt', 'a\n\nmore than one')],
      teacherTokenizer: [
        write('words.json', { ...wordTokenizer(['a', 'more']), post_processor: null }),
      ],
      teacherConfig: [write('config.json', {})],
      teacherTokenizerConfig: [],
      teacherSpecialTokens: [],
    },
  );
  assert.match(done.notes.join('\n'), /rows with nothing to ask for \(too few tokens\): 1/);
});

test('a target is moved right by one behind the start token, and each of its tokens is asked for', async () => {
  const pairs = (name: string, rows: readonly object[]) => [
    write(name, rows.map((row) => JSON.stringify(row)).join('\n')),
  ];
  const files = {
    train: pairs('p.jsonl', [{ text: 'my card is lost', target: 'lost card', label: 'ignored' }]),
    validation: pairs('q.jsonl', [{ text: 'a card', target: 'card' }]),
    test: pairs('r.jsonl', [{ text: 'lost', target: 'lost' }]),
    teacherTokenizer: [write('t5.json', wordTokenizer(['my', 'card', 'is', 'lost']))],
    teacherConfig: [write('t5-config.json', { vocab_size: 7, decoder_start_token_id: 0 })],
    teacherTokenizerConfig: [],
    teacherSpecialTokens: [],
  };
  const done = await run({ task: 'sequence-to-sequence' }, files);
  const [row] = rowsIn(await tokensOf(done));
  assert.deepEqual(row?.tokenIds, [3, 4, 5, 6, 1]);
  assert.deepEqual(row?.targetIds, [0, 6, 4]);
  assert.deepEqual(row?.at, [0, 1, 2]);
  assert.deepEqual(row?.originals, [6, 4, 1]);
  const [example] = await readExamples(done.outputs['inputs/train'] ?? '');
  assert.deepEqual([example?.text, example?.textPair], ['my card is lost', 'lost card']);
  const without = { ...files, teacherConfig: [write('no-start.json', { vocab_size: 7 })] };
  await assert.rejects(
    run({ task: 'sequence-to-sequence' }, without),
    /no-start\.json: it names no decoder_start_token_id/,
  );
});
