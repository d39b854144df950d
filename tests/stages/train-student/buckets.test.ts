import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketIndexOf, chooseBuckets } from '#stages/train-student/batches/buckets.ts';

const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 60 });

test('property: every input fits a bucket, buckets are ascending multiples of 8, at most four', () => {
  fc.assert(
    fc.property(lengths, (inputs) => {
      const buckets = chooseBuckets(inputs);
      assert.ok(buckets.length <= 4);
      for (const length of inputs) {
        const index = bucketIndexOf(length, buckets);
        assert.ok((buckets[index] ?? 0) >= length);
        assert.ok((buckets[index - 1] ?? 0) < length);
      }
      assert.ok(buckets.every((bucket, i) => bucket % 8 === 0 && bucket > (buckets[i - 1] ?? 0)));
      assert.ok((buckets.at(-1) ?? 0) < Math.max(...inputs) + 8);
    }),
  );
});

test('property: no other choice of four buckets needs 5 % fewer padded tokens', () => {
  fc.assert(
    fc.property(lengths, (inputs) => {
      const chosen = paddedTokens(inputs, chooseBuckets(inputs));
      assert.ok(chosen <= 1.05 * cheapest(inputs, 4));
    }),
    { numRuns: 40 },
  );
});

test('inputs of one length get one bucket', () => {
  assert.deepEqual(chooseBuckets([13, 13, 14]), [16]);
});

test('no input at all still gives a bucket', () => {
  assert.deepEqual(chooseBuckets([]), [8]);
});

test('a length beyond the longest bucket is refused', () => {
  assert.throws(() => bucketIndexOf(17, [8, 16]), /no bucket of 8, 16 holds 17 tokens/);
});

/** By trying all: the fewest padded tokens that `count` buckets can reach. */
function cheapest(inputs: readonly number[], count: number): number {
  const sizes = [...new Set(inputs.map((length) => Math.ceil(length / 8) * 8))].sort(
    (a, b) => a - b,
  );
  const longest = sizes.at(-1) ?? 8;
  const choices = (from: number, left: number): number[][] =>
    left === 0
      ? [[longest]]
      : [
          [longest],
          ...sizes
            .slice(from, -1)
            .flatMap((size, i) => choices(from + i + 1, left - 1).map((rest) => [size, ...rest])),
        ];
  return Math.min(...choices(0, count - 1).map((buckets) => paddedTokens(inputs, buckets)));
}

function paddedTokens(inputs: readonly number[], buckets: readonly number[]): number {
  return inputs.reduce((sum, length) => sum + (buckets.find((size) => size >= length) ?? NaN), 0);
}
