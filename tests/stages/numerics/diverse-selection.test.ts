import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Candidate, selectDiverse } from '#stages/numerics/diverse-selection.ts';

const far = { nearEqual: 0.7 };
const of = (classId: number, ...tokens: number[]): Candidate => ({ classId, tokens });

test('the earlier ones are taken, at most so many of a class', () => {
  const candidates = [of(0, 1), of(0, 2), of(0, 3), of(1, 4), of(1, 5)];
  assert.deepEqual(selectDiverse(candidates, { count: 3, perClass: 2, ...far }), [0, 1, 3]);
});

test('where the classes cannot fill the selection, the best that the cap left out do', () => {
  const candidates = [of(0, 1), of(0, 2), of(0, 3), of(1, 4)];
  assert.deepEqual(selectDiverse(candidates, { count: 4, perClass: 1, ...far }), [0, 3, 1, 2]);
});

test('near-equal texts are taken once, whatever their class, and never fill up', () => {
  const candidates = [of(0, 1, 2, 3, 4), of(1, 4, 3, 2, 1), of(0, 1, 2, 3, 5), of(0)];
  // 3 of 5 tokens in common are not near-equal.
  assert.deepEqual(selectDiverse(candidates, { count: 9, perClass: 9, ...far }), [0, 2, 3]);
});

test('property: no two selected are near-equal, and nothing is taken twice', () => {
  const candidate = fc.record({
    classId: fc.nat(3),
    tokens: fc.uniqueArray(fc.nat(6), { maxLength: 5 }),
  });
  fc.assert(
    fc.property(fc.array(candidate, { maxLength: 20 }), fc.nat(8), (candidates, count) => {
      const taken = selectDiverse(candidates, { count, perClass: 2, ...far });
      assert.ok(taken.length <= count);
      assert.equal(new Set(taken).size, taken.length);
      for (const a of taken) {
        for (const b of taken.filter((other) => other > a)) {
          assert.ok(overlap(candidates[a]?.tokens ?? [], candidates[b]?.tokens ?? []) < 0.7);
        }
      }
    }),
  );
});

/** The slow and obvious way. */
function overlap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [left, right] = [new Set(Array.from(a)), new Set(Array.from(b))];
  const all = new Set([...left, ...right]);
  if (all.size === 0) return 1;
  return [...left].filter((token) => right.has(token)).length / all.size;
}
