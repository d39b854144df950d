import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { goldenFolder, sampleFolder, sharedFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

interface WordCase {
  readonly side: 'left' | 'right';
  readonly maxLength: number;
  readonly words: string[];
  readonly ids: number[];
  /** Each word whose first token was not cut off, and where that lies. */
  readonly answers: [word: number, place: number][];
  readonly truncated: boolean;
}

const tokenizerPath = join(sampleFolder('mini'), 'teacher', 'tokenizer.json');

test('sentences of words become the tokens that transformers makes of is_split_into_words', async () => {
  const { cases }: { cases: WordCase[] } = JSON.parse(
    readFileSync(join(goldenFolder, 'words', 'word-pieces.json'), 'utf8'),
  );
  for (const side of ['right', 'left'] as const) {
    for (const maxLength of [12, 64]) {
      const some = cases.filter((one) => one.side === side && one.maxLength === maxLength);
      assert.ok(some.length > 5);
      const tokenizer = await openTokenizer(cutAt(side), maxLength);
      const encoded = await tokenizer.encodeWords(some.map(({ words }) => words));
      for (const [row, { words, ids, answers, truncated }] of some.entries()) {
        const found = encoded[row];
        const place = `${side} ${maxLength}: ${words.join(' ')}`;
        assert.deepEqual([found?.ids, found?.truncated], [ids, truncated], place);
        assert.deepEqual(
          found?.wordNumbers.map((word, index) => [word, found.answerAt[index]]),
          answers,
          place,
        );
      }
    }
  }
});

test('the answer of a word stands at its first token, and a word without tokens has none', async () => {
  const tokenizer = await openTokenizer(tokenizerPath, 64);
  const [encoded] = await tokenizer.encodeWords([['card', '\u200d', 'top-up', 'card']]);
  assert.deepEqual(encoded?.wordNumbers, [0, 2, 3]);
  assert.deepEqual(encoded?.answerAt.slice(0, 2), [1, 2]);
  assert.equal(encoded?.ids[1], encoded?.ids.at(-2));
  assert.equal(tokenizer.gluesWords, false);
});

test('a sentence without any token is its frame alone', async () => {
  const tokenizer = await openTokenizer(tokenizerPath, 64);
  const [encoded] = await tokenizer.encodeWords([['\u200d']]);
  assert.deepEqual([encoded?.ids.length, encoded?.answerAt, encoded?.truncated], [2, [], false]);
});

const shared = sharedFolder();
test('a byte-level tokenizer without a space before words is told of', {
  skip: shared === undefined && 'there is no ../shared',
}, async () => {
  const path = join(shared ?? '', 'data', 'tokenizers', 'gpt2', 'tokenizer.json');
  assert.equal((await openTokenizer(path, 64)).gluesWords, true);
});

function cutAt(side: 'left' | 'right'): string {
  const json = JSON.parse(readFileSync(tokenizerPath, 'utf8'));
  const direction = side === 'left' ? 'Left' : 'Right';
  const truncation = { direction, max_length: 12, strategy: 'LongestFirst', stride: 0 };
  const path = join(temporaryFolder(), 'tokenizer.json');
  writeFileSync(path, JSON.stringify({ ...json, truncation }));
  return path;
}
