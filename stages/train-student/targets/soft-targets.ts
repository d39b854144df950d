import { logNormalisers } from '#datasets/soft-labels/log-normalisers.ts';
import {
  type SampledColumns,
  type SoftLabelMeta,
  type SoftLabelNumbers,
  temperatureIndex,
} from '#datasets/soft-labels/soft-labels.ts';

/** What a training takes of the cached answer to one row, at its temperature. */
export type SoftTarget = Distribution & {
  /** Features of the teacher, in the order of the hints; left out where there are none. */
  readonly hints?: readonly Float32Array[];
};

/** What the soft loss wants. */
type Distribution =
  | {
      readonly type: 'top-k';
      readonly topIds: Int32Array;
      readonly topLogProbs: Float32Array;
      readonly tailLogMass: number;
    }
  | { readonly type: 'dense'; readonly logits: Float32Array }
  | {
      readonly type: 'sampled';
      readonly sampleIds: Int32Array;
      /** Share of the draws; they add up to 1. */
      readonly sampleShares: Float32Array;
    };

/** Width of the soft targets: k, the number of classes, or most classes that so many draws can name. */
export interface SoftLayout {
  readonly type: SoftTarget['type'];
  readonly width: number;
}

/** Soft targets row by row. A dense cache serves every temperature, others those that they hold. */
export function softTargetsOf(
  rows: SoftLabelNumbers,
  meta: SoftLabelMeta,
  temperature: number,
): (row: number) => SoftTarget {
  if (meta.mode === 'dense') {
    const width = meta.classNames.length;
    return (row) => ({
      type: 'dense',
      logits: rows.logits.subarray(row * width, (row + 1) * width),
    });
  }
  const place = temperatureIndex(meta, temperature);
  if (rows.sampled) return sampledTargets(rows.sampled, meta.samples ?? 0);
  const normalisers = logNormalisers(rows, meta, temperature);
  const tailLogMass = rows.tailLogMass[place] ?? new Float32Array();
  const k = meta.topK ?? 0;
  return (row) => {
    const topLogits = rows.topLogits.subarray(row * k, (row + 1) * k);
    const normaliser = normalisers[row] ?? Number.NaN;
    return {
      type: 'top-k',
      topIds: rows.topIds.subarray(row * k, (row + 1) * k),
      // log p_T(i) = z_i / T - LSE_T, exact at every stored T
      topLogProbs: topLogits.map((logit) => logit / temperature - normaliser),
      tailLogMass: tailLogMass[row] ?? Number.NaN,
    };
  };
}

function sampledTargets(
  { offsets, ids, counts }: SampledColumns,
  draws: number,
): (row: number) => SoftTarget {
  return (row) => {
    const [start = 0, end = 0] = offsets.subarray(row, row + 2);
    // The best class stands first also where it was not drawn.
    const first = counts[start] === 0 ? start + 1 : start;
    return {
      type: 'sampled',
      sampleIds: ids.subarray(first, end),
      sampleShares: Float32Array.from(counts.subarray(first, end), (count) => count / draws),
    };
  };
}

/** The same targets with features of the teacher beside them. */
export function withHints(
  targets: (row: number) => SoftTarget,
  columns: readonly { readonly values: Float32Array; readonly width: number }[],
): (row: number) => SoftTarget {
  return (row) => ({
    ...targets(row),
    hints: columns.map(({ values, width }) => values.subarray(row * width, (row + 1) * width)),
  });
}
