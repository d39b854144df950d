/**
 * BYTE_STREAM_SPLIT of 4-byte values, as they lie in a typed array: all first bytes, then all second
 * ones, ... Codecs find more to save.
 */
export function splitBytes(bytes: Buffer): Buffer {
  const count = bytes.length / 4;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, count);
  const split = Buffer.allocUnsafeSlow(bytes.length);
  for (let index = 0; index < count; index++) {
    const word = words[index] ?? 0;
    split[index] = word;
    split[count + index] = word >> 8;
    split[2 * count + index] = word >> 16;
    split[3 * count + index] = word >> 24;
  }
  return split;
}

/** Opposite of `splitBytes`. */
export function joinBytes(split: Buffer): Buffer {
  const count = split.length / 4;
  if (!Number.isInteger(count)) throw new Error(`${split.length} bytes of values of 4 bytes`);
  const words = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    words[index] =
      (split[index] ?? 0) |
      ((split[count + index] ?? 0) << 8) |
      ((split[2 * count + index] ?? 0) << 16) |
      ((split[3 * count + index] ?? 0) << 24);
  }
  return Buffer.from(words.buffer);
}
