import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { sharedFolder } from './paths.ts';

/** An 8x8 image of a digit, 0 to 16 a pixel. */
export interface Digit {
  readonly pixels: readonly number[];
  readonly label: number;
}

/** All 1,797 digits in their order; undefined where the data is absent. */
export function digits(): Digit[] | undefined {
  const shared = sharedFolder();
  if (shared === undefined) return undefined;
  const text = gunzipSync(readFileSync(join(shared, 'data', 'digits', 'digits.csv.gz'))).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const numbers = line.split(',').map(Number);
      return { pixels: numbers.slice(0, 64), label: numbers[64] ?? -1 };
    });
}

/** IDX files of these rows of Fashion-MNIST's test images, by name; undefined where the data is absent. */
export function fashionFiles(
  from: number,
  to: number,
): Record<'images' | 'labels', Buffer> | undefined {
  const shared = sharedFolder();
  if (shared === undefined) return undefined;
  const read = (name: string) =>
    gunzipSync(readFileSync(join(shared, 'data', 'fashion-mnist-t10k', name)));
  return {
    images: cut(read('t10k-images-idx3-ubyte.gz'), 784, from, to),
    labels: cut(read('t10k-labels-idx1-ubyte.gz'), 1, from, to),
  };
}

function cut(whole: Buffer, width: number, from: number, to: number): Buffer {
  const header = 4 + 4 * (whole[3] ?? 0);
  const head = Buffer.from(whole.subarray(0, header));
  head.writeUInt32BE(to - from, 4);
  return Buffer.concat([head, whole.subarray(header + from * width, header + to * width)]);
}
