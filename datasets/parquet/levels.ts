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
  const valueCount = (offsets[rowCount] ?? 0) - (offsets[0] ?? 0);
  let empty = 0;
  for (let row = 0; row < rowCount; row++) if (offsets[row] === offsets[row + 1]) empty++;
  const slots = valueCount + empty;
  const repetition = Buffer.alloc(Math.ceil(slots / 8), 255);
  const definition = empty === 0 ? undefined : Buffer.alloc(repetition.length, 255);
  for (let row = 0, slot = 0; row < rowCount; row++) {
    const length = (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
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

const EMPTY = Buffer.alloc(0);
const ONE = Buffer.from([1]);
