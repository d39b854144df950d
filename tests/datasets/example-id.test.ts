import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { exampleIdOf, leakKeyOf } from '#datasets/example-id.ts';

test('an example id is the first 128 bits of SHA-256 of the UTF-8 text', () => {
  const whole = createHash('sha256').update(Buffer.from('Où est ma carte ?')).digest('hex');
  assert.equal(exampleIdOf('Où est ma carte ?'), whole.slice(0, 32));
  assert.equal(exampleIdOf(''), 'e3b0c44298fc1c149afbf4c8996fb924');
});

test('nothing is normalised in an id: case, spaces and composition all count', () => {
  const ids = ['card', 'Card', 'card ', 'caf\u00e9', 'cafe\u0301'].map((text) => exampleIdOf(text));
  assert.equal(new Set(ids).size, ids.length);
});

test('a pair has another id than its texts joined, and its order counts', () => {
  const ids = [
    exampleIdOf('a', 'b'),
    exampleIdOf('b', 'a'),
    exampleIdOf('ab'),
    exampleIdOf('a', ''),
    exampleIdOf('a'),
  ];
  assert.equal(new Set(ids).size, ids.length);
});

test('a leak key forgets case, width, punctuation and spaces', () => {
  assert.equal(leakKeyOf('  Where is MY card?! '), 'where is my card');
  assert.equal(leakKeyOf('where-is "my"\ncard'), 'where is my card');
  assert.equal(leakKeyOf('Ｃａｒｄ № ５'), leakKeyOf('card no 5'));
});

test('a leak key keeps the vowel signs of Indic scripts', () => {
  assert.notEqual(leakKeyOf('की'), leakKeyOf('का'));
});

test('texts without any word do not share one leak key', () => {
  assert.notEqual(leakKeyOf('!!!'), leakKeyOf('???'));
  assert.notEqual(leakKeyOf('😀'), leakKeyOf('😡'));
});

test('property: a leak key is a fixed point and never has spaces at its ends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), (text) => {
      const key = leakKeyOf(text);
      assert.equal(key, key.trim());
      assert.equal(leakKeyOf(key), key);
    }),
  );
});
