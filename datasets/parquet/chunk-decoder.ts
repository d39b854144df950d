import { joinBytes } from './byte-stream-split.ts';
import { decompress } from './codec.ts';
import { decodeDeltas } from './delta-binary-packed.ts';
import { UnsupportedFeature } from './errors.ts';
import { type ChunkLayout, type PageHeader, readPageHeader } from './footer.ts';
import type { LeafColumn } from './leaf-column.ts';
import { crcOf } from './page-encoder.ts';
import { decodePlain, pick, type Values } from './plain-decoder.ts';
import { type DecodedColumn, type EncodedLevels, RowAssembler } from './row-assembler.ts';
import { decodeRuns } from './runs.ts';

/** Decodes all pages of one column chunk. Throws an Error rather than return a value it doubts. */
export async function decodeChunk(
  bytes: Buffer,
  column: LeafColumn,
  layout: ChunkLayout,
  rowCount: number,
): Promise<DecodedColumn> {
  if (column.isList ? layout.slots < rowCount : layout.slots !== rowCount) {
    throw new Error(`${layout.slots} values for ${rowCount} rows`);
  }
  const rows = new RowAssembler(column, rowCount);
  let dictionary: Values | undefined;
  let slots = 0;
  for (let position = 0; position < bytes.length && slots < layout.slots; ) {
    const { header, next } = readPageHeader(bytes, position);
    const body = bodyOf(bytes, next, header);
    position = next + body.length;
    if (header.type === 'DICTIONARY_PAGE') {
      const plain = await decompress(layout.codec, body, header.uncompressedSize);
      dictionary = decodePlain(plain, column.physicalType, header.slots);
    } else if (header.type === 'DATA_PAGE' || header.type === 'DATA_PAGE_V2') {
      slots += header.slots;
      if (slots > layout.slots) throw new Error(`more than ${layout.slots} values`);
      const page = await openPage(body, header, column, layout.codec);
      rows.add(page, header.slots, (count) =>
        decodeValues(page.values, header.encoding, column, count, dictionary),
      );
    } else if (header.type !== 'INDEX_PAGE') {
      throw new Error(`a page of type ${header.type}`);
    }
  }
  if (slots !== layout.slots) throw new Error(`${slots} of ${layout.slots} values`);
  return rows.finish();
}

function bodyOf(bytes: Buffer, start: number, header: PageHeader): Buffer {
  const end = start + header.compressedSize;
  if (end > bytes.length) throw new Error('a page ends behind its column');
  const body = bytes.subarray(start, end);
  if (header.crc !== undefined && crcOf([body]) !== header.crc) {
    throw new Error('the checksum of a page does not fit its bytes');
  }
  return body;
}

interface OpenPage extends EncodedLevels {
  readonly values: Buffer;
}

async function openPage(
  body: Buffer,
  header: PageHeader,
  column: LeafColumn,
  codec: string,
): Promise<OpenPage> {
  if (header.levels !== undefined) {
    const { repetitionLength, definitionLength, valuesAreCompressed } = header.levels;
    const valuesStart = repetitionLength + definitionLength;
    if (valuesStart > body.length) throw new Error('the levels of a page are longer than the page');
    const packed = body.subarray(valuesStart);
    const size = header.uncompressedSize - valuesStart;
    const plain = packed.length === 0 || !valuesAreCompressed ? 'UNCOMPRESSED' : codec;
    return {
      repetition: body.subarray(0, repetitionLength),
      definition: body.subarray(repetitionLength, valuesStart),
      values: await decompress(plain, packed, size),
    };
  }
  const bytes = await decompress(codec, body, header.uncompressedSize);
  const repetition = prefixed(bytes, column.isList);
  const definition = prefixed(repetition.rest, column.maxDefinition > 0);
  return {
    repetition: repetition.levels,
    definition: definition.levels,
    values: definition.rest,
  };
}

/** v1 pages: the levels have their length in front, 4 bytes; a column without levels has nothing. */
function prefixed(bytes: Buffer, isThere: boolean): { levels: Buffer; rest: Buffer } {
  if (!isThere) return { levels: bytes.subarray(0, 0), rest: bytes };
  const end = bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt32LE(0);
  if (end > bytes.length) throw new Error('the levels of a page are longer than the page');
  return { levels: bytes.subarray(4, end), rest: bytes.subarray(end) };
}

function decodeValues(
  bytes: Buffer,
  encoding: string,
  column: LeafColumn,
  count: number,
  dictionary: Values | undefined,
): Values {
  if (encoding === 'PLAIN') return decodePlain(bytes, column.physicalType, count);
  if (encoding === 'DELTA_BINARY_PACKED' && column.physicalType === 'INT32') {
    return { type: 'INT32', items: decodeDeltas(bytes, count) };
  }
  if (encoding === 'BYTE_STREAM_SPLIT' && column.physicalType !== 'BYTE_ARRAY') {
    return decodePlain(joinBytes(bytes), column.physicalType, count);
  }
  if (encoding !== 'RLE_DICTIONARY' && encoding !== 'PLAIN_DICTIONARY') {
    throw new UnsupportedFeature(`encoded as ${encoding}`);
  }
  if (dictionary === undefined) throw new Error('a page of indices without a dictionary');
  if (count === 0) return pick(dictionary, new Int32Array(0));
  // One byte for the bit width, then runs of indices.
  return pick(dictionary, decodeRuns(bytes.subarray(1), bytes[0] ?? 0, new Int32Array(count)));
}
