import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Bytes by position; weights are skipped by never asking for them. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Uint8Array;
}

/** One field of a message: a number, or the place of its bytes. */
export interface Field {
  readonly number: number;
  readonly value: bigint;
  readonly offset: number;
  readonly length: number;
}

/** The bytes are no protobuf message; the readers above say of which file. */
export class WireError extends Error {}

/** The fields of a nested message. */
export function nested(source: ByteSource, field: Field): Generator<Field> {
  return fieldsOf(source, field.offset, field.offset + field.length);
}

/** The fields of the message between two positions, in order; bodies are passed over unread. */
export function* fieldsOf(source: ByteSource, start: number, end: number): Generator<Field> {
  let position = start;
  while (position < end) {
    const key = varintAt(source, position);
    const number = Number(key.value >> 3n);
    const wireType = Number(key.value & 7n);
    const first = key.wireLength + position;
    if (wireType === 0) {
      const { value, wireLength } = varintAt(source, first);
      yield { number, value, offset: first, length: wireLength };
      position = first + wireLength;
    } else {
      const { offset, length } = bodyAt(source, first, wireType);
      position = offset + length;
      if (position > end) throw new WireError(`cut short at byte ${end}`);
      yield { number, value: 0n, offset, length };
    }
  }
}

function bodyAt(source: ByteSource, position: number, wireType: number) {
  if (wireType === 1) return { offset: position, length: 8 };
  if (wireType === 5) return { offset: position, length: 4 };
  if (wireType !== 2) throw new WireError(`unknown wire type ${wireType} before byte ${position}`);
  const { value, wireLength } = varintAt(source, position);
  return { offset: position + wireLength, length: Number(value) };
}

function varintAt(source: ByteSource, position: number): { value: bigint; wireLength: number } {
  const bytes = source.read(position, 10);
  let value = 0n;
  for (const [index, byte] of bytes.entries()) {
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value, wireLength: index + 1 };
  }
  throw new WireError(`no number at byte ${position}`);
}

/** The body of a field as UTF-8 text. */
export function textOf(source: ByteSource, field: Field): string {
  return new TextDecoder().decode(source.read(field.offset, field.length));
}

/** A dims field of a tensor; they come one a field, or packed into one field, at the writer's choice. */
export function dimensionsOf(source: ByteSource, field: Field): number[] {
  if (field.value !== 0n || field.length === 0) return [Number(field.value)];
  const bytes = source.read(field.offset, field.length);
  const dims: number[] = [];
  let size = 0;
  let scale = 1;
  for (const byte of bytes) {
    size += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    dims.push(size);
    size = 0;
    scale = 1;
  }
  return dims;
}

/** A whole message in memory. */
export function bytesAsSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** Reads from a file for the time of `work`. */
export function withFileSource<T>(path: string, work: (source: ByteSource) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return work(fileAsSource(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** Reads 64 KiB at a time and seeks over everything that nobody asks for. */
function fileAsSource(descriptor: number): ByteSource {
  const { size } = fstatSync(descriptor);
  let windowStart = 0;
  let window: Uint8Array = new Uint8Array(0);
  const read = (offset: number, length: number) => {
    const inside = offset >= windowStart && offset + length <= windowStart + window.length;
    if (!inside) {
      const bytes = new Uint8Array(
        Math.max(0, Math.min(size - offset, Math.max(length, WINDOW_BYTES))),
      );
      window = bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, offset));
      windowStart = offset;
    }
    return window.subarray(offset - windowStart, offset - windowStart + length);
  };
  return { size, read };
}

const WINDOW_BYTES = 1 << 16;
