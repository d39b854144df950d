import { crc32 } from 'node:zlib';
import { splitBytes } from './byte-stream-split.ts';
import { compress, type ParquetCodec } from './codec.ts';
import type { ValueEncoding } from './columns.ts';
import { encodeDeltas } from './delta-binary-packed.ts';
import { type Page, pageHeader } from './envelope.ts';
import type { PlainColumn } from './plain-values.ts';

/** One v2 data page: header, repetition levels, definition levels, compressed values. */
export async function encodePage(
  column: PlainColumn,
  rowCount: number,
  codec: ParquetCodec,
  wanted?: ValueEncoding,
): Promise<Page> {
  const { levels, valueCount } = column;
  // Bytes taken apart are as many as before: only a codec gains by it.
  const encoding = wanted === 'split' && codec === 'none' ? undefined : wanted;
  const bytes = encodeValues(column.bytes, encoding);
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
    encoding: ENCODING_NAMES[encoding ?? 'plain'],
  });
  return {
    parts: [header, levels.repetition, levels.definition, values],
    slots: levels.slots,
    uncompressedSize: header.length + levelBytes + bytes.length,
    encoding: ENCODING_NAMES[encoding ?? 'plain'],
  };
}

function encodeValues(plain: Buffer, encoding: ValueEncoding | undefined): Buffer {
  switch (encoding) {
    case undefined:
      return plain;
    case 'split':
      return splitBytes(plain);
    case 'delta':
      return encodeDeltas(new Int32Array(plain.buffer, plain.byteOffset, plain.length / 4));
    default:
      return encoding satisfies never;
  }
}

/** CRC-32 of the parts one after the other, as the signed number that Parquet stores. */
export function crcOf(parts: readonly Uint8Array[]): number {
  // zlib takes an empty part without memory behind it for a wish to start again at 0.
  const filled = parts.filter((part) => part.length > 0);
  return filled.reduce((crc, part) => crc32(part, crc), 0) | 0;
}

const ENCODING_NAMES = {
  plain: 'PLAIN',
  delta: 'DELTA_BINARY_PACKED',
  split: 'BYTE_STREAM_SPLIT',
} as const;
