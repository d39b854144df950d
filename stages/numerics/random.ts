/**
 * Uniform numbers in [0, 1) that depend on nothing but the seed, the name of the stream and how many
 * were drawn: Threefry-2x32-20 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
 */
export function randomFor(seed: number, stream: string): () => number {
  const key = streamKey(seed, stream);
  let counter = 0;
  return () => {
    const [high, low] = threefry(key, [counter | 0, Math.floor(counter / 2 ** 32)]);
    counter += 1;
    return ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
  };
}

/** Two random int32 for a place in a stream, such as the dropout seed of one training step. */
export function randomPair(seed: number, stream: string, index: number): [number, number] {
  return threefry(streamKey(seed, stream), [index | 0, Math.floor(index / 2 ** 32)]);
}

/** The items in random order (Fisher-Yates); the argument stays as it is. */
export function shuffle<T>(items: Iterable<T>, random: () => number): T[] {
  const shuffled = Array.from(items);
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const moved = shuffled[last] as T;
    shuffled[last] = shuffled[other] as T;
    shuffled[other] = moved;
  }
  return shuffled;
}

/** One draw from the standard normal distribution (Box-Muller). */
export function normal(random: () => number): number {
  // 1 - u lies in (0, 1], so that the logarithm stays finite.
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

/** Threefry-2x32 with 20 rounds: a keyed bijection of two 32-bit words. */
export function threefry(key: Words, counter: Words): [number, number] {
  const schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda];
  let left = (counter[0] + key[0]) | 0;
  let right = (counter[1] + key[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const turn = rotations[round % 8] as number;
    left = (left + right) | 0;
    right = ((right << turn) | (right >>> (32 - turn))) ^ left;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      left = (left + (schedule[injection % 3] as number)) | 0;
      right = (right + (schedule[(injection + 1) % 3] as number) + injection) | 0;
    }
  }
  return [left, right];
}

type Words = readonly [number, number];

function streamKey(seed: number, stream: string): Words {
  const name = `${seed}\u0000${stream}`;
  return [fnv1a(name, 0x811c9dc5), fnv1a(name, 0x9e3779b9)];
}

function fnv1a(text: string, basis: number): number {
  let hash = basis | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
