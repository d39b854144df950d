import { maskedCrc32c } from './crc32c.ts';

/** One record of a TFRecord file: length (uint64), its CRC, the bytes, their CRC; all little-endian. */
export function recordOf(bytes: Uint8Array): Uint8Array {
  const record = Buffer.alloc(HEAD + bytes.length + CRC);
  record.writeBigUInt64LE(BigInt(bytes.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, LENGTH)), LENGTH);
  record.set(bytes, HEAD);
  record.writeUInt32LE(maskedCrc32c(bytes), HEAD + bytes.length);
  return record;
}

/** The whole records at the beginning of a file; what a kill has torn, and all behind it, is left out. */
export function* wholeRecords(file: Buffer): Generator<Buffer> {
  let start = 0;
  while (start + HEAD + CRC <= file.length) {
    const head = file.subarray(start, start + LENGTH);
    if (file.readUInt32LE(start + LENGTH) !== maskedCrc32c(head)) return;
    const end = start + HEAD + Number(head.readBigUInt64LE());
    if (end + CRC > file.length) return;
    const bytes = file.subarray(start + HEAD, end);
    if (file.readUInt32LE(end) !== maskedCrc32c(bytes)) return;
    yield bytes;
    start = end + CRC;
  }
}

const LENGTH = 8;
const CRC = 4;
const HEAD = LENGTH + CRC;
