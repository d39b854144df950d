import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type MaskRule, maskTokens } from '#stages/numerics/masking.ts';
import { randomFor } from '#stages/numerics/random.ts';

const MASK = 3;
const rule: MaskRule = {
  share: 0.15,
  maskId: MASK,
  replacements: Array.from({ length: 96 }, (_, id) => 4 + id),
  isMaskable: (id) => id > 3,
};

test('property: only maskable tokens are asked for, their originals are kept, and all others stay', () => {
  const texts = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      texts,
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.nat(),
      (ids, share, seed) => {
        const text = Int32Array.from(ids);
        const { tokenIds, at, originals } = maskTokens(
          text,
          { ...rule, share },
          randomFor(seed, 'x'),
        );
        const maskable = ids.filter(rule.isMaskable).length;
        assert.equal(at.length, Math.min(maskable, Math.max(1, Math.round(share * maskable))));
        assert.deepEqual(
          [...at],
          [...new Set(at)].sort((a, b) => a - b),
        );
        for (const [index, place] of at.entries()) {
          assert.ok(rule.isMaskable(text[place] ?? 0));
          assert.equal(originals[index], text[place]);
        }
        const restored = tokenIds.slice();
        for (const [index, place] of at.entries()) restored[place] = originals[index] ?? -1;
        assert.deepEqual(restored, text);
      },
    ),
  );
});

test("80 % of the asked tokens become the mask, 10 % another token, 10 % stay: BERT's rule", () => {
  const text = Int32Array.from({ length: 100_000 }, (_, place) => 4 + (place % 96));
  const { tokenIds, at } = maskTokens(text, rule, randomFor(1, 'rule'));
  assert.equal(at.length, 15_000);
  const hidden = at.filter((place) => tokenIds[place] === MASK).length / at.length;
  const kept = at.filter((place) => tokenIds[place] === text[place]).length / at.length;
  // Three standard deviations of a share of 15,000 draws are 0.01; a random token may be the same one.
  assert.ok(Math.abs(hidden - 0.8) < 0.01, `${hidden}`);
  assert.ok(Math.abs(kept - (0.1 + 0.1 / 96)) < 0.01, `${kept}`);
});

test('the same stream hides the same tokens, another one others', () => {
  const text = Int32Array.from({ length: 200 }, (_, place) => 4 + (place % 96));
  const places = (seed: number) => [...maskTokens(text, rule, randomFor(seed, 'id')).at];
  assert.deepEqual(places(1), places(1));
  assert.notDeepEqual(places(1), places(2));
});
