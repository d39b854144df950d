import { type FileHandle, open } from 'node:fs/promises';
import { DiskFullError } from './errors.ts';

/** A file being written from front to back. */
export interface FileSink {
  /** Returns when every byte was taken. */
  write(bytes: Buffer): Promise<void>;
  /** On return the bytes are on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a new file; `shownPath` stands in messages. */
export async function openSink(path: string, shownPath: string): Promise<FileSink> {
  const handle = await explained(shownPath, () => open(path, 'w'));
  return {
    write: (bytes) => explained(shownPath, () => writeAll(handle, bytes)),
    sync: () => explained(shownPath, () => handle.sync()),
    close: () => explained(shownPath, () => handle.close()),
  };
}

/** A write may take less than it is given: on a nearly full disk, or above 2 GiB. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let start = 0; start < bytes.length; ) {
    const length = Math.min(bytes.length - start, MAX_WRITE);
    start += (await handle.write(bytes, start, length)).bytesWritten;
  }
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const full = error instanceof Error && 'code' in error && FULL.has(String(error.code));
    throw full ? new DiskFullError(path, error) : error;
  }
}

const MAX_WRITE = 2 ** 30;
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
