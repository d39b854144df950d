import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { buildTokenizer } from '#datasets/tokens/tokenizer-building.ts';
import { sampleFolder, sharedFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder('decant-built-tokenizer');

test('vocab.txt and its settings become the tokenizer.json that transformers wrote', async () => {
  const teacher = join(sampleFolder('mini'), 'teacher');
  const built = await buildTokenizer(teacher);
  const written = JSON.parse(readFileSync(join(teacher, 'tokenizer.json'), 'utf8'));
  assert.deepEqual(JSON.parse(built?.json ?? ''), written);
  assert.equal(built?.from, 'vocab.txt (WordPiece, lower case)');
});

test('case, accents and Chinese characters are as tokenizer_config.json says', async () => {
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'Été', 'été', 'ete', '中文', '中'];
  const ids = async (config: object, text: string) => {
    const made = filesIn('settings', {
      'vocab.txt': `${words.join('\r\n')}\r\n`,
      'tokenizer_config.json': JSON.stringify(config),
    });
    return await idsOf(made, [text]);
  };
  assert.deepEqual(await ids({ do_lower_case: false }, 'Été'), [[2, 5, 3]]);
  assert.deepEqual(await ids({ do_lower_case: true }, 'Été'), [[2, 7, 3]]);
  assert.deepEqual(await ids({ do_lower_case: true, strip_accents: false }, 'Été'), [[2, 6, 3]]);
  assert.deepEqual(await ids({ tokenize_chinese_chars: false }, '中文'), [[2, 8, 3]]);
  assert.deepEqual(await ids({}, '中文'), [[2, 9, 1, 3]]);
});

test('vocab.json and merges.txt with <s> and </s> make a RoBERTa tokenizer', async () => {
  const pieces = ['<s>', '<pad>', '</s>', '<unk>', 'a', 'b', 'Ġ', 'ab', 'Ġab', '<mask>'];
  const made = filesIn('roberta', {
    'vocab.json': JSON.stringify(Object.fromEntries(pieces.map((piece, id) => [piece, id]))),
    'merges.txt': '#version: 0.2\na b\nĠ ab\n',
    'special_tokens_map.json': JSON.stringify({ mask_token: { content: '<mask>', lstrip: true } }),
  });
  assert.deepEqual(await idsOf(made, ['ab ab', 'b <mask>a']), [
    [0, 7, 8, 2],
    [0, 5, 9, 4, 2],
  ]);
  const tokenizer = await tokenizerOf(made);
  const [pair] = await tokenizer.encode([{ text: 'a', textPair: 'b' }]);
  assert.deepEqual(pair?.ids, [0, 4, 2, 2, 5, 2]);
});

test('tokens that were added later keep their ids', async () => {
  const made = filesIn('added', {
    'vocab.txt': '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\n',
    'added_tokens.json': JSON.stringify({ '<user>': 6 }),
  });
  assert.deepEqual(await idsOf(made, ['hello <user> hello']), [[2, 5, 6, 5, 3]]);
});

test('a vocabulary without its special tokens is refused, a folder without one gives nothing', async () => {
  await assert.rejects(
    buildTokenizer(filesIn('special', { 'vocab.txt': 'hello\n' })),
    /vocab\.txt: .*has no "\[UNK\]"/,
  );
  assert.equal(await buildTokenizer(filesIn('none', {})), undefined);
});

const shared = sharedFolder();
const reason = shared === undefined ? 'the shared folder is not beside this checkout' : false;

for (const [vocabulary, cases] of [
  ['bert-base-uncased', ['bert-base-uncased', 'distilbert-uncased-sst2']],
  ['gpt2', ['gpt2']],
] as const) {
  test(`${vocabulary} from its vocabulary gives the ids of ${cases.join(' and ')}`, {
    skip: reason,
  }, async () => {
    const data = join(shared ?? '', 'data');
    const made = filesIn(vocabulary, {});
    for (const name of ['vocab.txt', 'vocab.json', 'merges.txt']) {
      const path = join(data, 'tokenizers', vocabulary, name);
      if (existsSync(path)) cpSync(path, join(made, name));
    }
    for (const name of cases) {
      const path = join(data, 'tokenizer-cases', `${name}.json`);
      const expected: TokenizerCase[] = JSON.parse(readFileSync(path, 'utf8'));
      const inputs = expected.map((one) => ({ text: one.text, textPair: one.text_pair ?? null }));
      const encoded = await (await tokenizerOf(made)).encode(inputs);
      for (const [index, one] of expected.entries()) {
        assert.deepEqual(encoded[index]?.ids, one.ids, one.text);
      }
      assert.ok(expected.length >= 12);
    }
  });
}

interface TokenizerCase {
  readonly text: string;
  readonly text_pair?: string;
  readonly ids: readonly number[];
}

async function idsOf(made: string, texts: readonly string[]) {
  const tokenizer = await tokenizerOf(made);
  const encoded = await tokenizer.encode(texts.map((text) => ({ text, textPair: null })));
  return encoded.map(({ ids }) => ids);
}

async function tokenizerOf(made: string) {
  const built = await buildTokenizer(made);
  const path = join(made, 'tokenizer.json');
  writeFileSync(path, built?.json ?? '');
  return openTokenizer(path, 512);
}

function filesIn(name: string, files: Readonly<Record<string, string>>): string {
  const made = join(folder, name);
  mkdirSync(made, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(made, file), text);
  return made;
}
