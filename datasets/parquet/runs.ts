/**
 * Decodes RLE / bit-packed runs until `output` is full; dictionary indices have the same form.
 * Throws where the bytes end early: what they ask for is never trusted.
 */
export function decodeRuns<A extends Uint8Array | Int32Array>(
  bytes: Buffer,
  bitWidth: number,
  output: A,
): A {
  eachRun(bytes, bitWidth, output.length, ({ start, end, isPacked, data }) => {
    if (isPacked) unpackBits(data, bitWidth, output.subarray(start, end));
    else output.fill(data.length === 0 ? 0 : data.readUIntLE(0, data.length), start, end);
  });
  return output;
}

/** The level of all `count` slots where a single run says it; bit width 1 to 8. */
export function constantLevel(bytes: Buffer, count: number): number | undefined {
  const { value, next } = readVarint(bytes, 0);
  return value % 2 === 0 && value / 2 >= count ? bytes[next] : undefined;
}

/**
 * Writes `base` + the place of each 0 among `count` levels of bit width 1 into `output`, and returns
 * how many there were. Throws where there is no room.
 */
export function zeroPlaces(bytes: Buffer, count: number, output: Int32Array, base: number): number {
  let found = 0;
  const put = (place: number) => {
    if (found >= output.length) throw new Error(`more than ${output.length} levels of 0`);
    output[found++] = base + place;
  };
  eachRun(bytes, 1, count, ({ start, end, isPacked, data }) => {
    if (!isPacked) {
      for (let place = start; data[0] === 0 && place < end; place++) put(place);
      return;
    }
    for (let at = 0, place = start; at < data.length; at++, place += 8) {
      const byte = data[at] ?? 0;
      if (byte === 255) continue; // most bytes, in the midst of lists
      const bits = Math.min(8, end - place);
      for (let bit = 0; bit < bits; bit++) if (((byte >> bit) & 1) === 0) put(place + bit);
    }
  });
  return found;
}

interface Run {
  /** Places of the first value and behind the last. */
  readonly start: number;
  readonly end: number;
  /** Packed values, or one value that all places have. */
  readonly isPacked: boolean;
  readonly data: Buffer;
}

function eachRun(bytes: Buffer, bitWidth: number, count: number, visit: (run: Run) => void): void {
  if (bitWidth > 31) throw new Error(`a bit width of ${bitWidth} in levels or dictionary indices`);
  for (let position = 0, start = 0; start < count; ) {
    const { value: header, next } = readVarint(bytes, position);
    const length = Math.floor(header / 2);
    if (length === 0) throw new Error('an empty run in levels or dictionary indices');
    const isPacked = header % 2 === 1;
    const end = Math.min(count, start + (isPacked ? length * 8 : length));
    const size = Math.ceil(((isPacked ? end - start : 1) * bitWidth) / 8);
    if (next + size > bytes.length) throw new Error(ENDS_EARLY);
    visit({ start, end, isPacked, data: bytes.subarray(next, next + size) });
    position = next + (isPacked ? length * bitWidth : size);
    start = end;
  }
}

function unpackBits(bytes: Buffer, bitWidth: number, output: Uint8Array | Int32Array): void {
  if (bitWidth === 1) return unpackSingleBits(bytes, output);
  for (let index = 0, bit = 0; index < output.length; index++) {
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
function unpackSingleBits(bytes: Buffer, output: Uint8Array | Int32Array): void {
  for (let index = 0, position = 0; index < output.length; position++) {
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

const ENDS_EARLY = 'levels or dictionary indices end early';
