import type { SoftLabelMeta } from '#datasets/soft-labels/soft-labels.ts';

/** Where numbers were computed: recorded in every file, no part of what was asked for. */
export type Provenance = Pick<SoftLabelMeta, 'provider' | 'runtime'>;

/** What was asked for: all of a file's description but where it was computed, and how wide features came out. */
export type Identity = Omit<SoftLabelMeta, 'provider' | 'runtime' | 'hidden'>;

/** Rows taken over may come from elsewhere than new ones; then the files name both: `cpu+cuda`. */
export function mergeProvenance(parts: readonly Provenance[]): Provenance {
  const merge = (values: readonly string[]) =>
    [...new Set(values.flatMap((value) => value.split('+')))].toSorted().join('+');
  return {
    provider: merge(parts.map((part) => part.provider)),
    runtime: merge(parts.map((part) => part.runtime)),
  };
}

export function isSameProvenance(a: Provenance, b: Provenance): boolean {
  return a.provider === b.provider && a.runtime === b.runtime;
}

/** The part of a description that was asked for. */
export function identityIn(meta: SoftLabelMeta): Identity {
  const { provider: _provider, runtime: _runtime, hidden: _hidden, ...identity } = meta;
  return identity;
}
