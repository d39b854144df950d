import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { BrokenGzipError, NotUtf8Error, UnreadableCorpusFileError } from './corpus-errors.ts';

/** The unpacked bytes of a corpus file. */
export interface ByteSource {
  /** Offset of the first byte of `chunks`: 3 where a byte order mark was dropped. */
  readonly start: number;
  readonly chunks: AsyncGenerator<Buffer, void, void>;
}

/**
 * Opens a file (or `STDIN`), gunzipped where its name ends in .gz, behind the byte order mark if it has one. A file that
 * is no text is taken as it is.
 */
export async function openBytes(path: string, { text } = { text: true }): Promise<ByteSource> {
  const chunks = readChunks(path);
  if (!text) return { start: 0, chunks };
  const head = await readHead(chunks);
  if (startsWith(head, utf16Little) || startsWith(head, utf16Big)) {
    throw new NotUtf8Error(path, 0, 'its first bytes are those of UTF-16');
  }
  const start = startsWith(head, utf8Mark) ? utf8Mark.length : 0;
  return { start, chunks: continueAfter(head.subarray(start), chunks) };
}

async function* readChunks(path: string): AsyncGenerator<Buffer, void, void> {
  const file = path === STDIN ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });
  const packed = path.toLowerCase().endsWith('.gz');
  // `pipeline` hands an error of the file on to the reader; `pipe` would leave it waiting for ever.
  const bytes = packed ? pipeline(file, createGunzip(), () => {}) : file;
  try {
    yield* bytes;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && String(error.code).startsWith('Z_')) {
      throw new BrokenGzipError(path, error);
    }
    throw new UnreadableCorpusFileError(path, error);
  }
}

async function readHead(chunks: AsyncGenerator<Buffer, void, void>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < utf8Mark.length) {
    const next = await chunks.next();
    if (next.done === true) return head;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* continueAfter(
  head: Buffer,
  rest: AsyncGenerator<Buffer, void, void>,
): AsyncGenerator<Buffer, void, void> {
  if (head.length > 0) yield head;
  yield* rest;
}

function startsWith(bytes: Buffer, mark: Buffer): boolean {
  return bytes.subarray(0, mark.length).equals(mark);
}

/** The path that stands for what is piped into the program. */
export const STDIN = 'stdin';

const utf8Mark = Buffer.from([0xef, 0xbb, 0xbf]);
const utf16Little = Buffer.from([0xff, 0xfe]);
const utf16Big = Buffer.from([0xfe, 0xff]);
