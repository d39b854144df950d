import type { LabelledFeatures } from '#stages/numerics/softmax-regression.ts';

/** What brings each feature to mean 0 and variance 1: (x - mean) * scale. */
export interface Scaling {
  readonly means: Float64Array;
  /** 0 for a feature that never changes. */
  readonly scales: Float64Array;
}

/** Mean and scale of each feature over all rows. */
export function scalingOf({ features, width }: LabelledFeatures): Scaling {
  const rows = features.length / width;
  const means = new Float64Array(width);
  const squares = new Float64Array(width);
  for (const [at, value] of features.entries()) {
    means[at % width] = (means[at % width] ?? 0) + value / rows;
  }
  for (const [at, value] of features.entries()) {
    const deviation = value - (means[at % width] ?? 0);
    squares[at % width] = (squares[at % width] ?? 0) + deviation ** 2 / rows;
  }
  return { means, scales: squares.map((variance) => (variance > 0 ? 1 / Math.sqrt(variance) : 0)) };
}

/** The same rows with scaled features. */
export function scaled(rows: LabelledFeatures, { means, scales }: Scaling): LabelledFeatures {
  const { features, width } = rows;
  return {
    ...rows,
    features: features.map(
      (value, at) => (value - (means[at % width] ?? 0)) * (scales[at % width] ?? 0),
    ),
  };
}
