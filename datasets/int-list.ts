import { randomBytes } from 'node:crypto';
import { closeSync, openSync, read, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TEMPORARY_MARK } from '#cache/atomic-file.ts';

/** Whole numbers one after the other, in memory or in a file. */
export interface IntList {
  readonly length: number;
  /** Those of a file are read anew each time. */
  subarray(from: number, to?: number): Int32Array;
}

/**
 * More whole numbers than memory is to hold, in a file that has no name any more: it goes when it is
 * closed, and with the process however that ends.
 */
export class IntFile implements IntList {
  readonly #fd: number;
  #length = 0;

  constructor(folder: string) {
    const path = join(folder, `numbers${TEMPORARY_MARK}${randomBytes(4).toString('hex')}`);
    this.#fd = openSync(path, 'wx+');
    unlinkSync(path);
  }

  get length(): number {
    return this.#length;
  }

  append(values: Int32Array): void {
    const bytes = bytesOf(values);
    const start = this.#length * BYTES;
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, start + done);
    }
    this.#length += values.length;
  }

  subarray(from: number, to = this.#length): Int32Array {
    const values = new Int32Array(to - from);
    const bytes = bytesOf(values);
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#fd, bytes, done, bytes.length - done, from * BYTES + done);
      if (count === 0) throw new RangeError(`number ${to} of ${this.#length}`);
      done += count;
    }
    return values;
  }

  /** The same without holding up the caller's thread. */
  async read(from: number, to: number): Promise<Int32Array> {
    const values = new Int32Array(to - from);
    const bytes = bytesOf(values);
    for (let done = 0; done < bytes.length; ) {
      const at = from * BYTES + done;
      const { bytesRead } = await readAt(this.#fd, bytes, done, bytes.length - done, at);
      if (bytesRead === 0) throw new RangeError(`number ${to} of ${this.#length}`);
      done += bytesRead;
    }
    return values;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Real numbers one after the other, in memory or in a file. */
export interface FloatList {
  readonly length: number;
  /** Those of a file are read anew each time. */
  subarray(from?: number, to?: number): Float32Array;
}

/** The same kind of file for real numbers, whose 32 bits lie in it as they are. */
export class FloatFile implements FloatList {
  readonly #bits: IntFile;

  constructor(folder: string) {
    this.#bits = new IntFile(folder);
  }

  get length(): number {
    return this.#bits.length;
  }

  append({ buffer, byteOffset, length }: Float32Array): void {
    this.#bits.append(new Int32Array(buffer, byteOffset, length));
  }

  subarray(from = 0, to = this.length): Float32Array {
    const { buffer, byteOffset, length } = this.#bits.subarray(from, to);
    return new Float32Array(buffer, byteOffset, length);
  }

  close(): void {
    this.#bits.close();
  }
}

/** All of a list, a part at a time. */
export function* partsOf<Values>(list: {
  readonly length: number;
  subarray(from: number, to: number): Values;
}): Generator<Values> {
  for (let from = 0; from < list.length; from += PART) {
    yield list.subarray(from, Math.min(list.length, from + PART));
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const readAt = promisify(read);
const BYTES = Int32Array.BYTES_PER_ELEMENT;
/** 4 MiB. */
const PART = 1 << 20;
