import { randomFor } from '#stages/numerics/random.ts';
import type { FeedSpec, Feeds } from '#stages/tensorflow/step-program.ts';

/**
 * Values for every feed of a student's step, of any form of soft labels. Of four rows one has both
 * targets, one a soft one, one again both, and one none.
 */
export function randomBatch(
  specs: readonly FeedSpec[],
  {
    index,
    classCount,
    vocabularySize = 30,
  }: { index: number; classCount: number; vocabularySize?: number },
): Feeds {
  const random = randomFor(index, 'batch');
  return Object.fromEntries(
    specs.map(({ name, shape, dtype }) => {
      const [rows = 1, width = 1] = shape;
      const size = shape.reduce((all, one) => all * one, 1);
      const everyFourth = (has: readonly number[]) =>
        Float32Array.from({ length: size }, (_, row) => has[row % 4] ?? 0);
      const below = (limit: number) =>
        Int32Array.from({ length: size }, () => Math.floor(random() * limit));
      const own: Record<string, () => Int32Array | Float32Array> = {
        inputIds: () => below(vocabularySize),
        lengths: () => Int32Array.from({ length: size }, (_, row) => 1 + (row % 3)),
        dropoutSeed: () => Int32Array.of(index, 7),
        rowWeights: () => everyFourth([1, 1, 1, 0]),
        goldRows: () => everyFourth([1, 0, 1, 0]),
        goldWeights: () => everyFourth([1, 0, 1, 0]),
        goldIds: () => below(classCount),
        goldValues: () => Float32Array.from({ length: size }, () => Math.round(random())),
        temperature: () => Float32Array.of(2),
        softLossWeight: () => Float32Array.of(0.9),
        hardLossWeight: () => Float32Array.of(0.1),
        hintLossWeight: () => Float32Array.of(1),
        answerAt: () => below(2 * size),
        // k different classes a row: neighbours of a random one
        topIds: () => neighbours(rows, width, classCount, random),
        sampleIds: () => neighbours(rows, width, classCount, random),
        topLogProbs: () => new Float32Array(size).fill(Math.log(0.8 / width)),
        tailLogMass: () => new Float32Array(size).fill(Math.log(0.2)),
        sampleShares: () => new Float32Array(size).fill(1 / width),
      };
      const values =
        own[name] ?? (() => Float32Array.from({ length: size }, () => 4 * random() - 2));
      return [name, dtype === 'int32' ? Int32Array.from(values()) : values()];
    }),
  );
}

function neighbours(rows: number, width: number, classCount: number, random: () => number) {
  const ids = new Int32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const first = Math.floor(random() * classCount);
    for (let place = 0; place < width; place++) {
      ids[row * width + place] = (first + place) % classCount;
    }
  }
  return ids;
}
