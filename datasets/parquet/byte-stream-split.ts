/** BYTE_STREAM_SPLIT of 4-byte values: all first bytes, then all second ones, ... Codecs find more to save. */
export function splitBytes(bytes: Buffer): Buffer {
  const count = bytes.length / 4;
  const split = Buffer.allocUnsafeSlow(bytes.length);
  for (let index = 0; index < count; index++) {
    split[index] = bytes[4 * index] ?? 0;
    split[count + index] = bytes[4 * index + 1] ?? 0;
    split[2 * count + index] = bytes[4 * index + 2] ?? 0;
    split[3 * count + index] = bytes[4 * index + 3] ?? 0;
  }
  return split;
}

/** Opposite of `splitBytes`. */
export function joinBytes(split: Buffer): Buffer {
  const count = split.length / 4;
  const bytes = Buffer.allocUnsafeSlow(split.length);
  for (let index = 0; index < count; index++) {
    bytes[4 * index] = split[index] ?? 0;
    bytes[4 * index + 1] = split[count + index] ?? 0;
    bytes[4 * index + 2] = split[2 * count + index] ?? 0;
    bytes[4 * index + 3] = split[3 * count + index] ?? 0;
  }
  return bytes;
}
