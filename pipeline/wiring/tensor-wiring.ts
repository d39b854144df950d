import type { Split } from '#datasets/example.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { type InputReference, perSplit } from './graph.ts';

/** Where the tensors of these splits lie; nothing where the rows are texts only. */
export function tensorInputs(
  { corpus }: DecantConfig,
  splits: readonly Split[],
): Record<string, InputReference> {
  return corpus.columns.tensors === undefined ? {} : perSplit(splits, 'prepare', 'inputs');
}
