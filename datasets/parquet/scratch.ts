/**
 * Lends memory for `size` bytes while `use` runs; nothing of it may be kept. Memory that comes fresh from
 * the system costs more than reading a page into it, so large pieces go round.
 */
export async function withScratch<Result>(
  size: number,
  use: (bytes: Buffer) => Promise<Result>,
): Promise<Result> {
  if (size < LEAST_BYTES || size > MOST_BYTES) return use(Buffer.allocUnsafeSlow(size));
  const place = free.findIndex((piece) => piece.length >= size);
  const [piece = Buffer.allocUnsafeSlow(size)] = place < 0 ? [] : free.splice(place, 1);
  try {
    return await use(piece.subarray(0, size));
  } finally {
    free.push(piece);
    free.sort((a, b) => a.length - b.length);
    if (free.length > MOST_PIECES) free.shift();
  }
}

/** The smallest first: the first that is large enough wastes least. */
const free: Buffer[] = [];
const LEAST_BYTES = 2 ** 18;
const MOST_BYTES = 2 ** 23;
const MOST_PIECES = 8;
