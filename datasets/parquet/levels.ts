/**
 * Repetition and definition levels of one page, in the form of v2 pages: RLE / bit-packed runs of
 * bit width 1, without a length in front.
 */
export interface PageLevels {
  /** Level entries: one per value, null or empty list. */
  readonly slots: number;
  readonly repetition: Buffer;
  readonly definition: Buffer;
}

/** A required column: no levels at all. */
export function requiredLevels(rowCount: number): PageLevels {
  return { slots: rowCount, repetition: EMPTY, definition: EMPTY };
}

/** An optional flat column; `present[row]` is 0 for a null. */
export function optionalLevels(present: Uint8Array): PageLevels {
  const slots = present.length;
  if (!present.includes(0)) return { slots, repetition: EMPTY, definition: repeatedOne(slots) };
  const bits = Buffer.alloc(Math.ceil(slots / 8));
  for (let row = 0; row < slots; row++) {
    if (present[row]) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  }
  return { slots, repetition: EMPTY, definition: bitPacked(bits) };
}

/** A required list of required elements; `offsets` has rows + 1 entries and any base. */
export function listLevels(offsets: Int32Array): PageLevels {
  const rowCount = offsets.length - 1;
  let slots = 0;
  let hasEmpty = false;
  for (let row = 0; row < rowCount; row++) {
    const length = lengthAt(offsets, row);
    slots += length || 1;
    hasEmpty ||= length === 0;
  }
  const repetition = Buffer.alloc(Math.ceil(slots / 8), 255);
  const definition = hasEmpty ? Buffer.alloc(repetition.length, 255) : undefined;
  for (let row = 0, slot = 0; row < rowCount; row++) {
    const length = lengthAt(offsets, row);
    clearBit(repetition, slot); // 0: the first slot of a row
    if (definition !== undefined && length === 0) clearBit(definition, slot); // 0: an empty list
    slot += length || 1;
  }
  return {
    slots,
    repetition: bitPacked(repetition),
    definition: definition === undefined ? repeatedOne(slots) : bitPacked(definition),
  };
}

/**
 * Decodes RLE / bit-packed runs until `output` is full; dictionary indices have the same form.
 * Throws where the bytes end early: what they ask for is never trusted.
 */
export function decodeRuns<A extends Uint8Array | Int32Array>(
  bytes: Buffer,
  bitWidth: number,
  output: A,
): A {
  if (bitWidth > 31) throw new Error(`a bit width of ${bitWidth} in levels or dictionary indices`);
  const width = Math.ceil(bitWidth / 8);
  let position = 0;
  let filled = 0;
  while (filled < output.length) {
    const header = readVarint(bytes, position);
    position = header.next;
    const run = Math.floor(header.value / 2);
    if (run === 0) throw new Error('an empty run in levels or dictionary indices');
    const isPacked = header.value % 2 === 1;
    const end = Math.min(output.length, filled + (isPacked ? run * 8 : run));
    if (isPacked) {
      unpackBits(bytes, position, bitWidth, output.subarray(filled, end));
      position += run * bitWidth;
    } else {
      if (position + width > bytes.length) throw new Error(ENDS_EARLY);
      output.fill(width === 0 ? 0 : bytes.readUIntLE(position, width), filled, end);
      position += width;
    }
    filled = end;
  }
  return output;
}

function unpackBits(
  bytes: Buffer,
  start: number,
  bitWidth: number,
  output: Uint8Array | Int32Array,
): void {
  if (start + Math.ceil((output.length * bitWidth) / 8) > bytes.length) throw new Error(ENDS_EARLY);
  if (bitWidth === 1) return unpackSingleBits(bytes, start, output);
  for (let index = 0, bit = start * 8; index < output.length; index++) {
    let value = 0;
    for (let done = 0; done < bitWidth; ) {
      const taken = Math.min(8 - (bit & 7), bitWidth - done);
      const part = ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & ((1 << taken) - 1);
      value |= part << done;
      done += taken;
      bit += taken;
    }
    output[index] = value;
  }
}

/** The same for all levels of our own files, where speed counts. */
function unpackSingleBits(bytes: Buffer, start: number, output: Uint8Array | Int32Array): void {
  for (let index = 0, position = start; index < output.length; position++) {
    const byte = bytes[position] ?? 0;
    const end = Math.min(index + 8, output.length);
    for (let shift = 0; index < end; index++, shift++) output[index] = (byte >> shift) & 1;
  }
}

/** An unsigned LEB128 number of at most 32 bits. */
function readVarint(bytes: Buffer, start: number): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[start + index];
    if (byte === undefined) throw new Error(ENDS_EARLY);
    value += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return { value, next: start + index + 1 };
  }
  throw new Error('a run length of more than 32 bits');
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

function bitPacked(bits: Buffer): Buffer {
  return Buffer.concat([varint(bits.length * 2 + 1), bits]);
}

function repeatedOne(count: number): Buffer {
  if (count === 0) return EMPTY;
  return Buffer.concat([varint(count * 2), ONE]);
}

function clearBit(bits: Buffer, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) & ~(1 << (index & 7));
}

function lengthAt(offsets: Int32Array, row: number): number {
  return (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
}

const ENDS_EARLY = 'levels or dictionary indices end early';
const EMPTY = Buffer.alloc(0);
const ONE = Buffer.from([1]);
