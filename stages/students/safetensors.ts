import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { floatsOfBfloat16, floatsOfHalf } from './float-formats.ts';

/** A float32 tensor, row-major. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface NamedTensor extends StoredTensor {
  readonly name: string;
}

/** The file's header or sizes contradict its bytes. */
export class CorruptSafetensorsError extends Failure {
  constructor(path: string, problem: string) {
    super(
      'corrupt',
      'E_SAFETENSORS',
      `${path}: not a complete safetensors file: ${problem}`,
      'fetch or write the file again',
    );
  }
}

/** The file is sound but holds numbers of another type. */
export class SafetensorsTypeError extends Failure {
  constructor(path: string, name: string, type: string) {
    super(
      'model',
      'E_SAFETENSORS_TYPE',
      `${path}: tensor "${name}" has type ${type}, only F32, F16 and BF16 are read`,
      'save the model in float32',
    );
  }
}

/**
 * Writes tensors as `save_pretrained` does: an 8-byte header length, a JSON header sorted by name and
 * padded with spaces to a multiple of 8, then the values one after the other.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const { name, shape, values } of sortedByName(tensors)) {
    if (elementsOf(shape) !== values.length) {
      throw new RangeError(`${name}: ${values.length} values for [${shape.join(', ')}]`);
    }
    const end = offset + values.byteLength;
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, end] };
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    offset = end;
  }
  await writeFileAtomic(path, Buffer.concat([headerBytes(header), ...parts]));
}

/**
 * Reads all tensors of a file, each checked to lie within it; half precision is widened, which is exact.
 * `skipIntegers` leaves out buffers such as the position ids of old checkpoints.
 */
export async function readSafetensors(
  path: string,
  { skipIntegers = false }: { readonly skipIntegers?: boolean } = {},
): Promise<Map<string, StoredTensor>> {
  const bytes = await readFile(path);
  const { entries, start } = parseHeader(path, bytes);
  const tensors = new Map<string, StoredTensor>();
  let expected = 0;
  for (const [name, entry] of entries) {
    const [begin, end] = entry.data_offsets;
    const type = TYPES[entry.dtype];
    if (type === undefined || !(type.floats || skipIntegers)) {
      throw new SafetensorsTypeError(path, name, entry.dtype);
    }
    if (begin !== expected || end - begin !== elementsOf(entry.shape) * type.bytes) {
      const place = `bytes ${begin} to ${end} for [${entry.shape.join(', ')}]`;
      throw new CorruptSafetensorsError(path, `tensor "${name}" claims ${place}`);
    }
    if (start + end > bytes.length) {
      const lack = `${start + end} bytes, the file has ${bytes.length}`;
      throw new CorruptSafetensorsError(path, `tensor "${name}" ends at ${lack}`);
    }
    if (type.floats !== undefined) {
      const values = type.floats(copyOf(bytes, start + begin, start + end));
      tensors.set(name, { shape: entry.shape, values });
    }
    expected = end;
  }
  if (start + expected !== bytes.length) {
    const surplus = bytes.length - start - expected;
    throw new CorruptSafetensorsError(path, `${surplus} bytes belong to no tensor`);
  }
  return tensors;
}

/** How many weights a file holds. */
export async function countSafetensors(path: string): Promise<number> {
  let total = 0;
  for (const { values } of (await readSafetensors(path)).values()) total += values.length;
  return total;
}

/** Entries in the order of their bytes, and where the values begin. */
function parseHeader(path: string, bytes: Buffer): { entries: [string, Entry][]; start: number } {
  if (bytes.length < LENGTH_BYTES) {
    throw new CorruptSafetensorsError(path, `it has ${bytes.length} bytes`);
  }
  const headerLength = bytes.readBigUInt64LE(0);
  if (headerLength > BigInt(bytes.length - LENGTH_BYTES)) {
    const problem = `a header of ${headerLength} bytes in a file of ${bytes.length}`;
    throw new CorruptSafetensorsError(path, problem);
  }
  const start = LENGTH_BYTES + Number(headerLength);
  const header = headerSchema.safeParse(jsonOf(path, bytes.subarray(LENGTH_BYTES, start)));
  if (!header.success) {
    const { path: key, message } = header.error.issues[0] ?? { path: [], message: 'no object' };
    throw new CorruptSafetensorsError(path, `header at ${key.join('.')}: ${message}`);
  }
  const entries = Object.entries(header.data).sort(
    ([, a], [, b]) =>
      a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  return { entries, start };
}

/** The header as JSON, without its free-form metadata. */
function jsonOf(path: string, bytes: Buffer): unknown {
  try {
    const { __metadata__, ...entries } = JSON.parse(bytes.toString('utf8'));
    return entries;
  } catch (error) {
    const problem = `header: ${error instanceof Error ? error.message : String(error)}`;
    throw new CorruptSafetensorsError(path, problem);
  }
}

function headerBytes(header: Record<string, unknown>): Buffer {
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  const padding = Buffer.alloc((ALIGNMENT - (text.length % ALIGNMENT)) % ALIGNMENT, ' ');
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(text.length + padding.length));
  return Buffer.concat([length, text, padding]);
}

/** By code point, as in Hugging Face's writer; a locale would change the bytes. */
function sortedByName(tensors: readonly NamedTensor[]): NamedTensor[] {
  return tensors.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/** A copy, because the header may leave the values unaligned. */
function copyOf(bytes: Buffer, begin: number, end: number): ArrayBuffer {
  return new Uint8Array(bytes.subarray(begin, end)).buffer;
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

const count = z.int().min(0);

const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(count),
  data_offsets: z.tuple([count, count]),
});

const headerSchema = z.record(z.string(), entrySchema);

type Entry = z.infer<typeof entrySchema>;

/** Element types by their names in the header; without `floats` they are no weights. */
const TYPES: Readonly<Record<string, ElementType>> = {
  F32: { bytes: 4, floats: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, floats: (buffer) => floatsOfHalf(new Uint16Array(buffer)) },
  BF16: { bytes: 2, floats: (buffer) => floatsOfBfloat16(new Uint16Array(buffer)) },
  I64: { bytes: 8 },
  I32: { bytes: 4 },
  U8: { bytes: 1 },
  BOOL: { bytes: 1 },
};

interface ElementType {
  readonly bytes: number;
  readonly floats?: (buffer: ArrayBuffer) => Float32Array;
}

const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
