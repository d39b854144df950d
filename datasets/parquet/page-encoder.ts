import { crc32 } from 'node:zlib';
import { compress, type ParquetCodec } from './codec.ts';
import { type Page, pageHeader } from './envelope.ts';
import type { PlainColumn } from './plain-values.ts';

/** One PLAIN v2 data page: header, repetition levels, definition levels, compressed values. */
export async function encodePage(
  column: PlainColumn,
  rowCount: number,
  codec: ParquetCodec,
): Promise<Page> {
  const { levels, valueCount, bytes } = column;
  const isCompressed = codec !== 'none' && bytes.length > 0;
  const values = isCompressed ? await compress(codec, bytes) : bytes;
  const levelBytes = levels.repetition.length + levels.definition.length;
  const crc = crcOf([levels.repetition, levels.definition, values]);
  const header = pageHeader({
    slots: levels.slots,
    nulls: levels.slots - valueCount,
    rowCount,
    definitionLength: levels.definition.length,
    repetitionLength: levels.repetition.length,
    uncompressedSize: levelBytes + bytes.length,
    compressedSize: levelBytes + values.length,
    isCompressed,
    crc,
  });
  return {
    parts: [header, levels.repetition, levels.definition, values],
    slots: levels.slots,
    uncompressedSize: header.length + levelBytes + bytes.length,
  };
}

/** CRC-32 of the parts one after the other, as the signed number that Parquet stores. */
export function crcOf(parts: readonly Uint8Array[]): number {
  // zlib takes an empty part without memory behind it for a wish to start again at 0.
  const filled = parts.filter((part) => part.length > 0);
  return filled.reduce((crc, part) => crc32(part, crc), 0) | 0;
}
