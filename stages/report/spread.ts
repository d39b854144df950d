import { readSeedSpread, type SeedSpread, type Spread } from '#datasets/metrics/seed-spread.ts';

/** Mean and spread of the variants with several seeds, by name. */
export async function readSpreads(
  inputs: Readonly<Record<string, string>>,
): Promise<Map<string, SeedSpread>> {
  const spreads = new Map<string, SeedSpread>();
  for (const [input, folder] of Object.entries(inputs)) {
    if (input.startsWith(PREFIX)) {
      spreads.set(input.slice(PREFIX.length), await readSeedSpread(folder));
    }
  }
  return spreads;
}

/** A figure of a model: the mean over its seeds, where it has several. */
export function meanFigure(
  { spread }: { readonly spread?: SeedSpread | undefined },
  figure: string,
  own: number | null,
): number | null {
  return spread?.figures[figure]?.mean ?? own;
}

/** Where the seeds of a model lie; undefined of a single one. */
export function spreadIn(
  { spread }: { readonly spread?: SeedSpread | undefined },
  figure: string,
): Spread | undefined {
  return spread?.figures[figure];
}

const PREFIX = 'spread.';
