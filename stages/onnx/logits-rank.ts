import type { GraphValue, ModelSkim } from './model-skim.ts';
import type { Dimension } from './wire.ts';

/** What makes logits of another rank a row an example. */
export interface RankChange {
  readonly operator: 'Squeeze' | 'Unsqueeze';
  readonly axes: readonly number[];
  /** [batch, classes] */
  readonly shape: readonly Dimension[];
}

/**
 * Axes of size 1 between batch and classes say nothing, and a model of one row may leave out its batch.
 * Undefined where nothing has to be done, or nothing can be.
 */
export function rankChangeOf(
  { shape }: GraphValue,
  { inputs }: Pick<ModelSkim, 'inputs'>,
): RankChange | undefined {
  if (shape === undefined) return undefined;
  const [batch = 1, ...others] = shape;
  const isOneRow = inputs.every((input) => input.shape?.[0] === 1);
  if (shape.length === 1 && isOneRow && batch !== 1) {
    return { operator: 'Unsqueeze', axes: [0], shape: [1, batch] };
  }
  const classes = others.pop();
  if (classes === undefined || others.length === 0 || others.some((size) => size !== 1)) {
    return undefined;
  }
  return { operator: 'Squeeze', axes: others.map((_, at) => at + 1), shape: [batch, classes] };
}
