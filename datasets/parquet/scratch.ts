/**
 * Lends memory for `size` bytes while `use` runs; nothing of it may be kept. Memory that comes fresh from
 * the system costs more than reading a page into it, so a few pieces go round.
 */
export async function withScratch<Result>(
  size: number,
  use: (bytes: Buffer) => Promise<Result>,
): Promise<Result> {
  const place = free.findIndex((piece) => piece.length >= size);
  const [piece = Buffer.allocUnsafeSlow(Math.max(size, LEAST_BYTES))] =
    place < 0 ? [] : free.splice(place, 1);
  try {
    return await use(piece.subarray(0, size));
  } finally {
    if (piece.length <= MOST_BYTES && free.length < MOST_PIECES) free.push(piece);
  }
}

const free: Buffer[] = [];
const LEAST_BYTES = 2 ** 16;
const MOST_BYTES = 2 ** 23;
const MOST_PIECES = 4;
