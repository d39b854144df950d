import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestFile } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import { openTokenizer, type TokenizerInput } from '#datasets/tokens/tokenizer.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const miniTokenizer = join(sampleFolder('mini'), 'teacher', 'tokenizer.json');

function single(text: string): TokenizerInput {
  return { text, textPair: null };
}

interface ReferenceRow {
  readonly text: string;
  readonly input_ids: readonly number[];
}

for (const name of ['mini', 'banking77'] as const) {
  test(`${name}: token ids are those of the Python tokenizer`, async () => {
    const folder = sampleFolder(name);
    const rows: ReferenceRow[] = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8'));
    const tokenizer = await openTokenizer(join(folder, 'teacher', 'tokenizer.json'), 128);
    const encoded = await tokenizer.encode(rows.map((row) => single(row.text)));
    assert.deepEqual(
      encoded.map((one) => one.ids),
      rows.map((row) => row.input_ids),
    );
    assert.ok(encoded.every((one) => !one.truncated));
  });
}

test('the digest is that of the file', async () => {
  const tokenizer = await openTokenizer(miniTokenizer, 16);
  assert.equal(tokenizer.digest, await digestFile(miniTokenizer));
  assert.equal(tokenizer.maxLength, 16);
});

test('a long text is cut at the length, keeps its last special token and is marked', async () => {
  const tokenizer = await openTokenizer(miniTokenizer, 8);
  const texts = ['my card', 'my card my card my card my card my card'].map(single);
  const [short, long] = await tokenizer.encode(texts);
  assert.deepEqual([short?.truncated, short?.ids.length], [false, 4]);
  assert.deepEqual(
    [long?.truncated, long?.ids.length, long?.ids.at(-1)],
    [true, 8, short?.ids.at(-1)],
  );
  const exact = await tokenizer.encode([single('my card my card my card')]);
  assert.deepEqual([exact[0]?.truncated, exact[0]?.ids.length], [false, 8]);
});

test('what a fast tokenizer left in the file about length and padding does not count', async () => {
  const json = JSON.parse(readFileSync(miniTokenizer, 'utf8'));
  json.truncation = { direction: 'Left', max_length: 4, strategy: 'LongestFirst', stride: 1 };
  json.padding = {
    strategy: { Fixed: 32 },
    direction: 'Right',
    pad_to_multiple_of: null,
    pad_id: 0,
    pad_type_id: 0,
    pad_token: '[PAD]',
  };
  const path = join(temporaryFolder(), 'tokenizer.json');
  writeFileSync(path, JSON.stringify(json));
  const [plain] = await (await openTokenizer(miniTokenizer, 64)).encode([
    single('where is my card'),
  ]);
  const padded = await openTokenizer(path, 64);
  assert.deepEqual((await padded.encode([single('where is my card')]))[0], plain);
  // The side on which it is cut is a property of the model and stays.
  const [cut] = await (await openTokenizer(path, 4)).encode([single('where is my card')]);
  assert.deepEqual(cut?.ids, [plain?.ids[0], ...(plain?.ids.slice(-3) ?? [])]);
});

test('pairs get both texts and type ids, single texts beside them too', async () => {
  const tokenizer = await openTokenizer(miniTokenizer, 64);
  const [pair, alone] = await tokenizer.encode([{ text: 'my card', textPair: 'my' }, single('my')]);
  assert.deepEqual(pair?.typeIds, [0, 0, 0, 0, 1, 1]);
  assert.deepEqual(alone?.typeIds, [0, 0, 0]);
  assert.deepEqual(pair?.ids.slice(4), alone?.ids.slice(1));
});

test('no input, no output', async () => {
  assert.deepEqual(await (await openTokenizer(miniTokenizer, 64)).encode([]), []);
});

test('a file that is no tokenizer is named, with the way to get one', async () => {
  const path = join(temporaryFolder(), 'tokenizer.json');
  for (const content of ['{', '{"a": 1}', '{"model": {"type": "Unheard", "vocab": {}}}']) {
    writeFileSync(path, content);
    await assert.rejects(openTokenizer(path, 8), (error: unknown) => {
      assert.ok(error instanceof Failure);
      assert.deepEqual([error.kind, error.code], ['model', 'E_TOKENIZER']);
      assert.ok(error.message.includes(path));
      return true;
    });
  }
});
