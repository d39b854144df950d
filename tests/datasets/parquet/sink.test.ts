import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeAll } from '#datasets/parquet/sink.ts';

test('property: however little a disk takes at a time, every byte is written once and in order', async () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 20 }));
  const takes = fc.infiniteStream(fc.integer({ min: 1, max: 30 }));
  await fc.assert(
    fc.asyncProperty(parts, takes, fc.integer({ min: 1, max: 50 }), async (given, sizes, limit) => {
      const buffers = given.map((part) => Buffer.from(part));
      const disk: Buffer[] = [];
      const writev = async (offered: readonly NodeJS.ArrayBufferView[]) => {
        const bytes = Buffer.concat(
          offered.map((part) =>
            Buffer.from(part.buffer).subarray(part.byteOffset, part.byteOffset + part.byteLength),
          ),
        );
        assert.ok(bytes.length > 0 && bytes.length <= limit);
        const taken = bytes.subarray(0, Number(sizes.next().value));
        disk.push(taken);
        return { bytesWritten: taken.length };
      };
      await writeAll({ writev }, buffers, limit);
      assert.deepEqual(Buffer.concat(disk), Buffer.concat(buffers));
    }),
  );
});
