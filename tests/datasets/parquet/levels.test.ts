import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listLevels, optionalLevels } from '#datasets/parquet/levels.ts';
import { decodeRuns } from '#datasets/parquet/runs.ts';

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
