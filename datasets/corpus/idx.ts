import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openBytes } from './byte-source.ts';
import { BrokenIdxError } from './corpus-errors.ts';
import type { RawRow } from './corpus-row.ts';

/**
 * Rows of an IDX file of unsigned bytes (the format of MNIST): `pixels`, and `label` where the file of
 * labels lies beside it under its usual name.
 */
export async function* readIdx(path: string): AsyncGenerator<RawRow, void, void> {
  const images = await readArray(path);
  const labelsPath = idxLabelsOf(path);
  const labels = labelsPath === undefined ? undefined : await readArray(labelsPath);
  if (labels !== undefined && labels.rows !== images.rows) {
    const problem = `${labels.rows} labels for ${images.rows} rows of ${basename(path)}`;
    throw new BrokenIdxError(labelsPath ?? '', problem);
  }
  for (let row = 0; row < images.rows; row++) {
    const pixels = images.bytes.subarray(row * images.width, (row + 1) * images.width);
    const label = labels?.bytes[row];
    yield {
      file: basename(path),
      line: row + 1,
      values: { pixels, ...(label !== undefined && { label }) },
    };
  }
}

/** `train-labels-idx1-ubyte.gz` of `train-images-idx3-ubyte.gz`; undefined where there is none. */
export function idxLabelsOf(path: string): string | undefined {
  const name = basename(path).replace('images', 'labels').replace('idx3', 'idx1');
  const labels = join(dirname(path), name);
  return name !== basename(path) && isIdx(path) && existsSync(labels) ? labels : undefined;
}

/** Does the name of a file say that it is an IDX file? */
export function isIdx(path: string): boolean {
  return /(-ubyte|\.idx)(\.gz)?$/i.test(path);
}

interface ByteArray {
  readonly rows: number;
  /** Bytes of a row. */
  readonly width: number;
  readonly bytes: Uint8Array;
}

async function readArray(path: string): Promise<ByteArray> {
  const whole = Buffer.concat(await collect((await openBytes(path, { text: false })).chunks));
  const [zero, type, axes = 0] = [
    whole.length >= 4 ? whole.readUInt16BE(0) : -1,
    whole[2],
    whole[3],
  ];
  const header = 4 + 4 * axes;
  if (zero !== 0 || type !== UNSIGNED_BYTE || axes < 1 || whole.length < header) {
    throw new BrokenIdxError(path, 'it does not begin like an IDX file of unsigned bytes');
  }
  const sizes = Array.from({ length: axes }, (_, axis) => whole.readUInt32BE(4 + 4 * axis));
  const [rows = 0, ...rest] = sizes;
  const width = rest.reduce((product, size) => product * size, 1);
  const bytes = whole.subarray(header);
  if (bytes.length !== rows * width) {
    throw new BrokenIdxError(path, `${bytes.length} bytes of [${sizes.join(', ')}]`);
  }
  return { rows, width, bytes };
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return parts;
}

const UNSIGNED_BYTE = 0x08;
