import { open } from 'node:fs/promises';
import { DiskFullError } from './errors.ts';

/** A file being written from front to back. */
export interface FileSink {
  /** Writes the parts one behind the other; returns when every byte was taken. */
  write(parts: readonly Buffer[]): Promise<void>;
  /** On return the bytes are on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The part of a file handle that writing needs. */
interface VectorWriter {
  writev(parts: readonly Buffer[]): Promise<{ bytesWritten: number }>;
}

/** Opens a new file; `shownPath` stands in messages. */
export async function openSink(path: string, shownPath: string): Promise<FileSink> {
  const handle = await explained(shownPath, () => open(path, 'w'));
  return {
    write: (parts) => explained(shownPath, () => writeAll(handle, parts)),
    sync: () => explained(shownPath, () => handle.sync()),
    close: () => explained(shownPath, () => handle.close()),
  };
}

/** A write may take less than it is given, on a nearly full disk for example, and never takes 2 GiB. */
export async function writeAll(
  handle: VectorWriter,
  parts: readonly Buffer[],
  limit = MAX_WRITE,
): Promise<void> {
  let rest = parts.filter((part) => part.length > 0);
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(firstBytes(rest, limit));
    rest = withoutFirst(rest, bytesWritten);
  }
}

function firstBytes(parts: readonly Buffer[], limit: number): Buffer[] {
  let left = limit;
  return parts.flatMap((part) => {
    const taken = part.subarray(0, left);
    left -= taken.length;
    return taken.length > 0 ? [taken] : [];
  });
}

function withoutFirst(parts: readonly Buffer[], count: number): Buffer[] {
  let left = count;
  return parts.flatMap((part) => {
    const kept = part.subarray(left);
    left -= part.length - kept.length;
    return kept.length > 0 ? [kept] : [];
  });
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
