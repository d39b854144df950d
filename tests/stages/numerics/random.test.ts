import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { normal, randomFor, randomPair, shuffle, threefry } from '#stages/numerics/random.ts';

const draws = (seed: number, stream: string, count: number): number[] => {
  const random = randomFor(seed, stream);
  return Array.from({ length: count }, () => random());
};

test('threefry gives the known answers of Random123', () => {
  const hexadecimal = (words: number[]): string[] => words.map((word) => (word >>> 0).toString(16));
  assert.deepEqual(hexadecimal(threefry([0, 0], [0, 0])), ['6b200159', '99ba4efe']);
  assert.deepEqual(hexadecimal(threefry([-1, -1], [-1, -1])), ['1cb996fc', 'bb002be7']);
  const pi = threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]);
  assert.deepEqual(hexadecimal(pi), ['c4923a9c', '483df7a0']);
});

test('equal seed and stream give equal numbers, another seed or stream gives others', () => {
  assert.deepEqual(draws(1, 'shuffle', 20), draws(1, 'shuffle', 20));
  assert.notDeepEqual(draws(1, 'shuffle', 20), draws(2, 'shuffle', 20));
  assert.notDeepEqual(draws(1, 'shuffle', 20), draws(1, 'dropout', 20));
  assert.notDeepEqual(randomPair(1, 'dropout', 0), randomPair(1, 'dropout', 1));
  assert.deepEqual(randomPair(1, 'dropout', 7), randomPair(1, 'dropout', 7));
});

test('the stream never changes between versions: a resumed training depends on it', () => {
  assert.deepEqual(draws(1, 'shuffle', 3), firstDraws);
});

test('numbers are uniform in [0, 1)', () => {
  const numbers = draws(3, 'uniform', 20_000);
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  for (const tenth of Array.from({ length: 10 }, (_, index) => index)) {
    const share = numbers.filter((number) => Math.floor(number * 10) === tenth).length / 20_000;
    assert.ok(Math.abs(share - 0.1) < 0.01, `tenth ${tenth}: ${share}`);
  }
});

test('normal draws have mean 0 and variance 1', () => {
  const random = randomFor(5, 'normal');
  const numbers = Array.from({ length: 20_000 }, () => normal(random));
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const variance = numbers.reduce((sum, number) => sum + number ** 2, 0) / numbers.length;
  assert.ok(Math.abs(mean) < 0.03, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.05, `variance ${variance}`);
});

test('property: shuffle returns the same items and leaves its argument alone', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
      const before = [...items];
      const shuffled = shuffle(items, randomFor(seed, 'shuffle'));
      assert.deepEqual(items, before);
      const ordered = (some: number[]): number[] => [...some].sort((a, b) => a - b);
      assert.deepEqual(ordered(shuffled), ordered(items));
    }),
  );
});

test('shuffle brings every item to every place about equally often', () => {
  const random = randomFor(9, 'places');
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  for (let round = 0; round < 4000; round++) {
    for (const [place, item] of shuffle([0, 1, 2, 3], random).entries()) {
      const row = counts[item];
      if (row !== undefined) row[place] = (row[place] ?? 0) + 1;
    }
  }
  for (const count of counts.flat()) assert.ok(Math.abs(count - 1000) < 150, `${count} of 4000`);
});

const firstDraws = [0.4783288135621241, 0.9977997759475413, 0.001378064947613944];
