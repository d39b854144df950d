import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CorruptSafetensorsError,
  countSafetensors,
  type NamedTensor,
  readSafetensors,
  SafetensorsTypeError,
  writeSafetensors,
} from '#stages/students/safetensors.ts';
import { readGolden } from './golden.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'decant-safetensors-'));
});
after(() => rm(folder, { recursive: true }));

test('a file that transformers wrote comes out byte for byte when it is read and written', async () => {
  for (const name of ['bert', 'modernbert'] as const) {
    const { stored, modelPath } = await readGolden(name);
    const copy = join(folder, `${name}.safetensors`);
    // In another order, because the writer sorts.
    const tensors = [...stored].toReversed().map(([name, tensor]) => ({ name, ...tensor }));
    await writeSafetensors(copy, tensors);
    assert.ok((await readFile(copy)).equals(await readFile(modelPath)));
  }
});

test('property: tensors survive writing and reading', async () => {
  const path = join(folder, 'property.safetensors');
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(anyTensor, { selector: ({ name }) => name }),
      async (tensors) => {
        await writeSafetensors(path, tensors);
        const read = await readSafetensors(path);
        assert.equal(read.size, tensors.length);
        for (const { name, shape, values } of tensors) {
          assert.deepEqual(read.get(name), { shape, values });
        }
        const weights = tensors.reduce((sum, { values }) => sum + values.length, 0);
        assert.equal(await countSafetensors(path), weights);
      },
    ),
    { numRuns: 30 },
  );
});

test('the header is padded with spaces so that the values start at a multiple of 8', async () => {
  for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg', 'abcdefgh']) {
    const path = join(folder, 'aligned.safetensors');
    await writeSafetensors(path, [{ name, shape: [2], values: Float32Array.of(1, 2) }]);
    const bytes = await readFile(path);
    assert.equal(bytes.readBigUInt64LE(0) % 8n, 0n);
    assert.equal(bytes.readFloatLE(8 + Number(bytes.readBigUInt64LE(0)) + 4), 2);
  }
});

test('a tensor whose values do not fill its shape is not written', async () => {
  const tensor = { name: 'a', shape: [3], values: new Float32Array(2) };
  await assert.rejects(writeSafetensors(join(folder, 'short'), [tensor]), RangeError);
});

describe('a broken file is refused as corrupt', () => {
  const entry = (shape: unknown, offsets: unknown) => ({
    dtype: 'F32',
    shape,
    data_offsets: offsets,
  });
  const cases: Record<string, Buffer> = {
    'an empty file': Buffer.alloc(0),
    'a header longer than the file': fileOf({}, 0, 1_000n),
    'a header of 2^63 bytes': fileOf({}, 0, 2n ** 63n),
    'a header that is not JSON': Buffer.concat([lengthBytes(3n), Buffer.from('{,}')]),
    'a header that is null': Buffer.concat([lengthBytes(4n), Buffer.from('null')]),
    'an entry without offsets': fileOf({ a: { dtype: 'F32', shape: [1] } }, 4),
    'a negative size': fileOf({ a: entry([-1], [0, 4]) }, 4),
    'offsets that run backwards': fileOf({ a: entry([1], [4, 0]) }, 4),
    'offsets that do not match the shape': fileOf({ a: entry([2], [0, 4]) }, 4),
    'a tensor past the end': fileOf({ a: entry([2], [0, 8]) }, 4),
    'a huge shape': fileOf({ a: entry([2 ** 40, 2 ** 40], [0, 4]) }, 4),
    'tensors that overlap': fileOf({ a: entry([2], [0, 8]), b: entry([2], [4, 12]) }, 12),
    'a hole between tensors': fileOf({ a: entry([1], [0, 4]), b: entry([1], [8, 12]) }, 12),
    'bytes behind the last tensor': fileOf({ a: entry([1], [0, 4]) }, 9),
  };
  for (const [title, bytes] of Object.entries(cases)) {
    test(title, async () => {
      const path = join(folder, 'broken.safetensors');
      await writeFile(path, bytes);
      await assert.rejects(readSafetensors(path), (error) => {
        assert.ok(error instanceof CorruptSafetensorsError);
        assert.equal(error.kind, 'corrupt');
        assert.ok(error.message.startsWith(path));
        return true;
      });
    });
  }

  test('every file cut short', async () => {
    const { modelPath } = await readGolden('modernbert');
    const whole = await readFile(modelPath);
    const path = join(folder, 'cut.safetensors');
    for (const length of [7, 8, 100, 1_631, 1_632, 40_000, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length));
      await assert.rejects(readSafetensors(path), CorruptSafetensorsError);
    }
  });
});

test('integers are refused by name, or left out where that is asked for', async () => {
  const path = join(folder, 'integers.safetensors');
  const ids = { dtype: 'I64', shape: [2], data_offsets: [0, 16] };
  const weight = { dtype: 'F32', shape: [1], data_offsets: [16, 20] };
  await writeFile(path, fileOf({ position_ids: ids, weight }, 20));
  await assert.rejects(readSafetensors(path), (error) => {
    assert.ok(error instanceof SafetensorsTypeError);
    assert.match(error.message, /"position_ids" has type I64/);
    return true;
  });
  const floats = await readSafetensors(path, { skipIntegers: true });
  assert.deepEqual([...floats.keys()], ['weight']);
});

test('half precision of both kinds is widened without a change of value', async () => {
  const path = join(folder, 'half.safetensors');
  const place = (from: number) => ({ shape: [4], data_offsets: [from, from + 8] });
  const header = { a: { dtype: 'F16', ...place(0) }, b: { dtype: 'BF16', ...place(8) } };
  const bytes = fileOf(header, 16);
  // 1, -2, the smallest subnormal, infinity
  const patterns = [0x3c00, 0xc000, 0x0001, 0x7c00, 0x3f80, 0xc000, 0x0001, 0x7f80];
  Buffer.from(Uint16Array.from(patterns).buffer).copy(bytes, bytes.length - 16);
  await writeFile(path, bytes);
  const stored = await readSafetensors(path);
  assert.deepEqual([...(stored.get('a')?.values ?? [])], [1, -2, 2 ** -24, Infinity]);
  assert.deepEqual([...(stored.get('b')?.values ?? [])], [1, -2, 2 ** -133, Infinity]);
});

function fileOf(header: object, dataBytes: number, claimedLength?: bigint): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const length = lengthBytes(claimedLength ?? BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

function lengthBytes(length: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(length);
  return bytes;
}

const anyTensor: fc.Arbitrary<NamedTensor> = fc
  .record({
    // The format has its own use for names such as __metadata__.
    name: fc.stringMatching(/^[a-zé."\\][a-zé._"\\]{0,11}$/),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  })
  .chain(({ name, shape }) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return fc
      .float32Array({ minLength: size, maxLength: size })
      .map((values) => ({ name, shape, values }));
  });
