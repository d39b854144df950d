/** How far two distributions over the same bins are apart. */
export interface Drift {
  /** Population stability index: sum (observed - expected) log(observed / expected). */
  readonly psi: number;
  /** What it is on average where nothing has changed, as both are counted from few rows. */
  readonly byChance: number;
}

/**
 * PSI of observed shares against expected ones. Where nothing has changed it is about chi-squared with bins - 1
 * degrees of freedom times 1/n + 1/m (Yurdakul and Naranjo 2020), whose mean is `byChance`. Both are counted with
 * half a row more in each bin, so that an empty one is no infinity.
 */
export function populationDrift(
  expected: { readonly shares: readonly number[]; readonly rows: number },
  observed: { readonly shares: readonly number[]; readonly rows: number },
): Drift {
  const bins = expected.shares.length;
  const smoothed = (share: number, rows: number) => (share * rows + 0.5) / (rows + bins / 2);
  const psi = expected.shares.reduce((sum, share, bin) => {
    const before = smoothed(share, expected.rows);
    const now = smoothed(observed.shares[bin] ?? 0, observed.rows);
    return sum + (now - before) * Math.log(now / before);
  }, 0);
  return { psi, byChance: (bins - 1) * (1 / expected.rows + 1 / observed.rows) };
}
