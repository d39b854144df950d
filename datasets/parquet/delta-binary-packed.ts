/**
 * DELTA_BINARY_PACKED: differences to the value before, in as few bits as the widest of 32 needs.
 * Arithmetic is modulo 2^32, as the specification asks for INT32.
 */
export function encodeDeltas(values: Int32Array): Buffer {
  const out = new ByteWriter(WORST_BYTES_A_VALUE * values.length + MAX_HEADER_BYTES);
  out.varint(BLOCK_VALUES);
  out.varint(MINIBLOCKS);
  out.varint(values.length);
  out.zigzag(values[0] ?? 0);
  const deltas = new Int32Array(BLOCK_VALUES);
  for (let start = 1; start < values.length; start += BLOCK_VALUES) {
    const count = Math.min(BLOCK_VALUES, values.length - start);
    let least = 0x7fffffff;
    for (let index = 0; index < count; index++) {
      const delta = ((values[start + index] ?? 0) - (values[start + index - 1] ?? 0)) | 0;
      deltas[index] = delta;
      if (delta < least) least = delta;
    }
    writeBlock(out, deltas, count, least);
  }
  return out.bytes();
}

/** Opposite of `encodeDeltas`, for any block size; throws unless exactly `count` values fill the bytes. */
export function decodeDeltas(bytes: Buffer, count: number): Int32Array {
  const reader = new ByteReader(bytes);
  const blockValues = reader.varint();
  const miniblocks = reader.varint();
  const found = reader.varint();
  if (found !== count) throw new Error(`${found} packed values, not ${count}`);
  const width = blockValues / miniblocks;
  if (!(width >= 32 && width <= MAX_MINIBLOCK_VALUES && width % 32 === 0)) {
    throw new Error(`blocks of ${blockValues} values in ${miniblocks} parts`);
  }
  const values = new Int32Array(count);
  let last = reader.zigzag();
  if (count > 0) values[0] = last;
  for (let position = 1; position < count; ) {
    const least = reader.zigzag();
    const bitWidths = reader.take(miniblocks);
    for (let part = 0; part < miniblocks && position < count; part++) {
      const end = Math.min(position + width, count);
      const bits = bitWidths[part] ?? 0;
      if (bits > 32) throw new Error(`packed values of ${bits} bits`);
      const packed = reader.take((width / 8) * bits);
      last = unpack(packed, bits, { values, position, end, least, last });
      position = end;
    }
  }
  if (!reader.isAtEnd) throw new Error('bytes behind the packed values');
  return values;
}

function writeBlock(out: ByteWriter, deltas: Int32Array, count: number, least: number): void {
  out.zigzag(least);
  const widths = Array.from({ length: MINIBLOCKS }, (_, part) => {
    let highest = 0;
    const end = Math.min((part + 1) * MINIBLOCK_VALUES, count);
    for (let index = part * MINIBLOCK_VALUES; index < end; index++) {
      highest |= (deltas[index] ?? 0) - least;
    }
    return 32 - Math.clz32(highest);
  });
  for (const width of widths) out.byte(width);
  // What stands behind the last value fills its part up; parts without any value are left out.
  deltas.fill(least, count);
  for (let part = 0; part * MINIBLOCK_VALUES < count; part++) {
    out.pack(deltas, part * MINIBLOCK_VALUES, least, widths[part] ?? 0);
  }
}

interface Unpacking {
  readonly values: Int32Array;
  readonly position: number;
  readonly end: number;
  readonly least: number;
  readonly last: number;
}

function unpack(packed: Buffer, bits: number, into: Unpacking): number {
  const { values, end, least } = into;
  const mask = bits === 32 ? -1 : (1 << bits) - 1;
  let { last } = into;
  let [byte, offset] = [0, 0];
  for (let position = into.position; position < end; position++) {
    let raw = 0;
    for (let shift = -offset; shift < bits; shift += 8, byte++) {
      const next = packed[byte] ?? 0;
      raw |= shift < 0 ? next >>> -shift : next << shift;
      if (shift + 8 > bits) break;
    }
    offset = (offset + bits) % 8;
    last = (last + least + (raw & mask)) | 0;
    values[position] = last;
  }
  return last;
}

class ByteWriter {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafeSlow(size);
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#position);
  }

  byte(value: number): void {
    this.#buffer[this.#position++] = value;
  }

  varint(value: number): void {
    let rest = value >>> 0;
    for (; rest > 127; rest >>>= 7) this.byte((rest & 127) | 128);
    this.byte(rest);
  }

  zigzag(value: number): void {
    this.varint((value << 1) ^ (value >> 31));
  }

  /** 32 values from `start` on, less `least`, the lowest bits first. */
  pack(values: Int32Array, start: number, least: number, bits: number): void {
    let [word, used] = [0, 0];
    for (let index = start; index < start + MINIBLOCK_VALUES; index++) {
      const value = ((values[index] ?? 0) - least) >>> 0;
      word |= value << used;
      used += bits;
      if (used < 32) continue;
      this.#position = this.#buffer.writeInt32LE(word, this.#position);
      used -= 32;
      word = used === 0 ? 0 : value >>> (bits - used);
    }
  }
}

class ByteReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new Error('packed values end behind their page');
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const [byte = 0] = this.take(1);
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new Error('a number that does not end');
  }

  zigzag(): number {
    const value = this.varint();
    return (value >>> 1) ^ -(value & 1);
  }
}

const BLOCK_VALUES = 128;
const MINIBLOCKS = 4;
const MINIBLOCK_VALUES = BLOCK_VALUES / MINIBLOCKS;

/** Larger parts than anybody writes: what is larger comes from broken bytes. */
const MAX_MINIBLOCK_VALUES = 2 ** 16;

// A block of one value takes 5 + 4 bytes and a part of 32 x 32 bits.
const WORST_BYTES_A_VALUE = 5;
const MAX_HEADER_BYTES = 20 + 5 + MINIBLOCKS + 4 * 4 * MINIBLOCK_VALUES;
