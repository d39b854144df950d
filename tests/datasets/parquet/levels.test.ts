import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listLevels, optionalLevels } from '#datasets/parquet/levels.ts';
import { constantLevel, decodeRuns, zeroPlaces } from '#datasets/parquet/runs.ts';

test('property: presence of rows survives as definition levels', () => {
  fc.assert(
    fc.property(fc.uint8Array({ max: 1, maxLength: 100 }), (present) => {
      const { definition, slots } = optionalLevels(present);
      assert.deepEqual([...decodeRuns(definition, 1, new Uint8Array(slots))], [...present]);
    }),
  );
});

test('property: each list begins with repetition 0, and only empty lists have definition 0', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 50 }), (lengths) => {
      const offsets = new Int32Array(lengths.length + 1);
      for (const [row, length] of lengths.entries())
        offsets[row + 1] = (offsets[row] ?? 0) + length;
      const levels = listLevels(offsets);
      const slotsOf = (length: number) =>
        Array.from({ length: Math.max(length, 1) }, (_, slot) => slot);
      const repetition = lengths.flatMap((length) =>
        slotsOf(length).map((slot) => Math.min(slot, 1)),
      );
      const definition = lengths.flatMap((length) =>
        slotsOf(length).map(() => Math.min(length, 1)),
      );
      assert.equal(levels.slots, repetition.length);
      assert.deepEqual(
        [...decodeRuns(levels.repetition, 1, new Uint8Array(levels.slots))],
        repetition,
      );
      assert.deepEqual(
        [...decodeRuns(levels.definition, 1, new Uint8Array(levels.slots))],
        definition,
      );
    }),
  );
});

test('runs of any bit width are decoded', () => {
  // Example of the Parquet specification: 0 to 7 with 3 bits each.
  const packed = Buffer.of(0x03, 0b10001000, 0b11000110, 0b11111010);
  assert.deepEqual([...decodeRuns(packed, 3, new Int32Array(8))], [0, 1, 2, 3, 4, 5, 6, 7]);
  // 300 times 1000: header (300 << 1) in two bytes, the value in two bytes.
  const repeated = Buffer.of(0xd8, 0x04, 0xe8, 0x03);
  assert.deepEqual(
    [...decodeRuns(repeated, 10, new Int32Array(300))],
    Array.from({ length: 300 }, () => 1000),
  );
});

test('runs that end early, or that ask for nothing for ever, are refused', () => {
  assert.throws(() => decodeRuns(Buffer.of(), 1, new Uint8Array(1)), /end early/);
  assert.throws(() => decodeRuns(Buffer.of(0x03), 1, new Uint8Array(8)), /end early/);
  assert.throws(() => decodeRuns(Buffer.of(0x10), 8, new Uint8Array(8)), /end early/);
  assert.throws(() => decodeRuns(Buffer.of(0x00, 0x00), 1, new Uint8Array(1)), /an empty run/);
  assert.throws(
    () => decodeRuns(Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff), 1, new Uint8Array(1)),
    /more than 32 bits/,
  );
});

/** Runs as bytes: repeated levels, or packed ones in groups of 8. */
const anyRuns = fc
  .array(
    fc.oneof(
      fc
        .tuple(fc.integer({ min: 1, max: 300 }), fc.nat(1))
        .map(([count, level]) => [
          ...(count < 64 ? [count * 2] : [((count * 2) & 127) | 128, count >> 6]),
          level,
        ]),
      fc
        .uint8Array({ minLength: 1, maxLength: 30 })
        .map((packed) => [packed.length * 2 + 1, ...packed]),
      // As in long lists: hardly a byte that is not full.
      fc.integer({ min: 1, max: 30 }).map((size) => [size * 2 + 1, ...Array(size).fill(255)]),
    ),
    { minLength: 1 },
  )
  .map((runs) => Buffer.from(runs.flat()));

test('property: the starts of lists are where the levels one by one are 0', () => {
  fc.assert(
    fc.property(anyRuns, fc.integer({ min: 1, max: 400 }), fc.nat(100), (bytes, count, base) => {
      const starts = new Int32Array(count);
      let levels: number[];
      try {
        levels = [...decodeRuns(bytes, 1, new Uint8Array(count))];
      } catch (error) {
        assert.throws(() => zeroPlaces(bytes, count, starts, base), error as Error);
        return;
      }
      const wanted = levels.flatMap((level, place) => (level === 0 ? [base + place] : []));
      const found = zeroPlaces(bytes, count, starts, base);
      assert.deepEqual([...starts.subarray(0, found)], wanted);
      if (wanted.length === 0) return;
      const tooShort = new Int32Array(wanted.length - 1);
      assert.throws(() => zeroPlaces(bytes, count, tooShort, base), /more than/);
      assert.deepEqual([...tooShort], wanted.slice(0, -1));
    }),
  );
});

test('property: a level is constant where one run covers every slot', () => {
  fc.assert(
    fc.property(anyRuns, fc.integer({ min: 1, max: 400 }), (bytes, count) => {
      const level = constantLevel(bytes, count);
      if (level === undefined) return;
      assert.ok([...decodeRuns(bytes, 1, new Uint8Array(count))].every((one) => one === level));
    }),
  );
  assert.equal(constantLevel(Buffer.of(0xd8, 0x04, 1), 300), 1);
  assert.equal(constantLevel(Buffer.of(0xd8, 0x04, 1), 301), undefined);
  assert.equal(constantLevel(Buffer.of(0x03, 0xff), 8), undefined);
});
