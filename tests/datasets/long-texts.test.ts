import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { headAndTail, type WholeText, windowsOf } from '#datasets/tokens/long-texts.ts';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { goldenFolder, sampleFolder, sharedFolder } from '#tests/support/paths.ts';

/** Tokens 0, 1, ... between so many special ones, which are negative. */
function textOf(length: number, before = 1, after = 1): WholeText {
  const special = (count: number) => Array.from({ length: count }, (_, place) => -1 - place);
  const ids = [...special(before), ...Array(length).keys(), ...special(after)];
  return { ids, typeIds: ids.map(() => 0), isSpecial: ids.map((id) => (id < 0 ? 1 : 0)) };
}

test('head and tail of 512 tokens are the first 128 and the last 382, as in the paper', () => {
  const { ids, truncated, typeIds } = headAndTail(textOf(2000), 512);
  assert.deepEqual([ids.length, typeIds.length, truncated], [512, 512, true]);
  assert.deepEqual([ids[0], ids[1], ids[128], ids[129], ids.at(-2)], [-1, 0, 127, 1618, 1999]);
});

const lengths = fc.record({
  length: fc.nat(200),
  before: fc.nat(2),
  after: fc.nat(2),
  room: fc.integer({ min: 1, max: 60 }),
});

test('property: head and tail fill the length, keep the special tokens and the order', () => {
  fc.assert(
    fc.property(lengths, ({ length, before, after, room }) => {
      const text = textOf(length, before, after);
      const maxLength = room + before + after;
      const { ids, truncated } = headAndTail(text, maxLength);
      assert.equal(ids.length, Math.min(text.ids.length, maxLength));
      assert.equal(truncated, length > room);
      assert.deepEqual(ids.slice(0, before), text.ids.slice(0, before));
      assert.deepEqual(ids.slice(ids.length - after), text.ids.slice(text.ids.length - after));
      const own = ids.filter((id) => id >= 0);
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(own).size, own.length);
    }),
  );
});

test('property: windows are as long as allowed, overlap enough and hold every token', () => {
  fc.assert(
    fc.property(lengths, fc.double({ min: 0, max: 0.9, noNaN: true }), (sizes, overlap) => {
      const { length, before, after, room } = sizes;
      const maxLength = room + before + after;
      const { ids, windowEnds = [] } = windowsOf(textOf(length, before, after), maxLength, overlap);
      const windows = windowEnds.map((end, index) => ids.slice(windowEnds[index - 1] ?? 0, end));
      assert.equal(windowEnds.at(-1), ids.length);
      const own = windows.map((window) => window.filter((id) => id >= 0));
      assert.equal(new Set(own.flat()).size, length);
      if (windows.length > 1) assert.ok(windows.every((window) => window.length === maxLength));
      for (const [index, window] of own.slice(1).entries()) {
        const shared = (own[index]?.at(-1) ?? -1) - (window[0] ?? 0) + 1;
        assert.ok(shared >= Math.min(room - 1, Math.floor(room * overlap)), `${shared} shared`);
      }
    }),
  );
});

test('a length that special tokens fill is refused', () => {
  assert.throws(() => headAndTail(textOf(9, 2, 2), 4), { code: 'E_NO_ROOM' });
  assert.throws(() => windowsOf(textOf(9, 2, 2), 3, 0), { code: 'E_NO_ROOM' });
});

const book = join(sharedFolder() ?? '', 'data', 'moby-dick', 'moby-dick.txt');

test('paragraphs of a novel are cut right by every kind of tokenizer', {
  skip: existsSync(book) ? false : 'the shared folder with the novel is absent',
}, async () => {
  const paragraphs = readFileSync(book, 'utf8').split(/\r?\n\r?\n/);
  const texts = paragraphs.filter((text) => text.length > 2000).slice(0, 40);
  for (const path of [
    join(sampleFolder('banking77'), 'teacher', 'tokenizer.json'),
    join(goldenFolder, 'tokenizers', 'bpe.tokenizer.json'),
    join(goldenFolder, 'tokenizers', 'unigram.tokenizer.json'),
  ]) {
    const inputs = texts.map((text) => ({ text, textPair: null }));
    const encode = async (cut: Parameters<typeof openTokenizer>[2]) =>
      (await openTokenizer(path, 64, cut)).encode(inputs);
    const whole = await encode({ type: 'whole' });
    const first = await encode({ type: 'truncate' });
    const headTails = await encode({ type: 'head-tail' });
    const windows = await encode({ type: 'windows', overlap: 0.25 });
    for (const [row, { ids }] of whole.entries()) {
      const headTail = headTails[row]?.ids ?? [];
      // 62 tokens of text: 16 of its head (Math.round(15.5)) and 46 of its tail.
      assert.deepEqual(headTail.slice(0, 17), ids.slice(0, 17));
      assert.deepEqual(headTail.slice(17), ids.slice(ids.length - 47));
      const { ids: inWindows = [], windowEnds = [] } = windows[row] ?? {};
      assert.deepEqual(inWindows.slice(0, 64), first[row]?.ids);
      assert.deepEqual(inWindows.slice(-63), ids.slice(-63));
      assert.equal(windowEnds.length, Math.ceil((ids.length - 2 - 62) / 46) + 1);
    }
  }
});
