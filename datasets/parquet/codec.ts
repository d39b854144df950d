import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
// Not the package's own entry: its `compress` drops the level on the way.
import zstd from '@mongodb-js/zstd/bindings.js';
import snappy from 'snappy';

/** The codecs we write. */
export type ParquetCodec = 'none' | 'snappy' | 'zstd';

/** Names of the codecs in a Parquet footer. */
export const CODEC_NAMES = { none: 'UNCOMPRESSED', snappy: 'SNAPPY', zstd: 'ZSTD' } as const;

/** Compresses the values of a page. */
export async function compress(codec: ParquetCodec, bytes: Buffer): Promise<Buffer> {
  switch (codec) {
    case 'none':
      return bytes;
    case 'snappy':
      return snappy.compress(bytes);
    case 'zstd':
      return zstd.compress(bytes, bytes.length < SMALL_PAGE_BYTES ? 3 : 1);
    default:
      return codec satisfies never;
  }
}

/** Can pages of a codec, named as in the footer, be read? */
export function isReadableCodec(name: string | undefined): boolean {
  return name === 'UNCOMPRESSED' || (name !== undefined && Object.hasOwn(decoders, name));
}

/** Opposite of `compress` for a codec named as in the footer; throws unless `size` bytes come out. */
export async function decompress(name: string, bytes: Buffer, size: number): Promise<Buffer> {
  const decoder = decoders[name];
  const plain = decoder === undefined ? bytes : await decoder(bytes, size);
  if (plain.length !== size) {
    throw new Error(`a page should hold ${size} bytes and holds ${plain.length}`);
  }
  return plain;
}

const decoders: Readonly<Record<string, (bytes: Buffer, size: number) => Promise<Buffer>>> = {
  SNAPPY: async (bytes, size) => {
    // Looked at first: the library allocates whatever broken bytes ask for.
    if (snappyLength(bytes) !== size) throw new Error(`a page does not hold ${size} bytes`);
    return Buffer.from(await snappy.uncompress(bytes));
  },
  ZSTD: (bytes) => zstd.decompress(bytes),
  GZIP: (bytes, size) => gunzipAsync(bytes, { maxOutputLength: Math.max(size, 1) }),
};

/** Length of the plain bytes, a varint in front of a snappy block. */
function snappyLength(bytes: Buffer): number {
  let length = 0;
  for (const [position, byte] of bytes.subarray(0, 5).entries()) {
    length += (byte & 127) * 2 ** (7 * position);
    if (byte < 128) return length;
  }
  return -1;
}

const gunzipAsync = promisify(gunzip);

// Level 1 is twice as fast as level 3 and makes our large pages smaller; small ones cost nothing at 3.
const SMALL_PAGE_BYTES = 2 ** 16;
