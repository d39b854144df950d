import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeTexts,
  encodeTexts,
  joinTexts,
  pickTexts,
  stringsOf,
} from '#datasets/parquet/texts.ts';

const shortAscii = fc.string({ unit: 'binary-ascii', maxLength: 40 });
const anyText = fc.oneof(
  shortAscii,
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary-ascii', minLength: 120, maxLength: 300 }),
  fc.constantFrom('', '\u0000', 'ÿ', '\uFFFD', '\uFEFFmark'),
);
const columns = fc.oneof(fc.array(shortAscii), fc.array(anyText));

/** Length and bytes of each text, as the specification says it. */
function slowly(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text, 'utf8');
      return [Buffer.from(Uint32Array.of(bytes.length).buffer), bytes];
    }),
  );
}

test('property: PLAIN texts are what the specification says, short or long, ASCII or not', () => {
  fc.assert(
    fc.property(columns, (texts) => {
      assert.deepEqual(Buffer.from(encodeTexts(texts)), slowly(texts));
    }),
  );
});

test('property: texts come back from their PLAIN bytes', () => {
  fc.assert(
    fc.property(columns, (texts) => {
      const decoded = decodeTexts(slowly(texts), texts.length);
      assert.equal(decoded.bytes.toString('utf8'), texts.join(''));
      assert.deepEqual(stringsOf(decoded), texts);
    }),
  );
});

test('property: picked and joined texts are the texts at those places', () => {
  const filled = fc.array(anyText, { minLength: 1 });
  fc.assert(
    fc.property(filled, fc.array(fc.nat()), (texts, places) => {
      const decoded = decodeTexts(slowly(texts), texts.length);
      const indices = Int32Array.from(places, (place) => place % texts.length);
      const picked = pickTexts(decoded, indices);
      const wanted = Array.from(indices, (index) => texts[index]);
      assert.deepEqual(stringsOf(picked), wanted);
      assert.deepEqual(stringsOf(joinTexts([decoded, picked])), [...texts, ...wanted]);
    }),
  );
});

test('half a surrogate pair has no UTF-8 form and is refused', () => {
  assert.throws(() => encodeTexts(['fine', 'a\ud83d']), /"a\\ud83d" holds half a surrogate pair/);
});

test('bytes that are no UTF-8 are refused, also where two texts share a character', () => {
  const plain = (...parts: number[][]) =>
    Buffer.from(parts.flatMap((part) => [part.length, 0, 0, 0, ...part]));
  assert.throws(() => decodeTexts(plain([0xff]), 1), /not UTF-8/);
  assert.deepEqual(stringsOf(decodeTexts(plain([0x61], [0xc3, 0xa9]), 2)), ['a', 'é']);
  assert.throws(() => decodeTexts(plain([0x61, 0xc3], [0xa9]), 2), /not UTF-8/);
});

test('texts that end behind their page, or before it, are refused', () => {
  assert.throws(() => decodeTexts(Buffer.of(2, 0, 0, 0, 97), 1), /text 0 ends behind its page/);
  assert.throws(() => decodeTexts(Buffer.of(1, 0), 1), /text 0 ends behind its page/);
  assert.throws(() => decodeTexts(Buffer.of(255, 255, 255, 255, 97), 1), /ends behind its page/);
  assert.throws(() => decodeTexts(Buffer.of(1, 0, 0, 0, 97, 98), 1), /1 bytes behind the texts/);
});
