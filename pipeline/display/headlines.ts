import { outputFolder } from '#cache/artifact-store.ts';
import { isOfValues, readAnyMetrics, readTimings } from '#datasets/metrics/metrics.ts';
import { readSeedSpread } from '#datasets/metrics/seed-spread.ts';
import type { StageResult } from '#pipeline/events.ts';
import type { Headline } from '#pipeline/history/run-record.ts';

/** The figures of every evaluated model by its name, without the long tables. */
export async function headlinesOf(
  results: readonly StageResult[],
): Promise<Record<string, Headline>> {
  const headlines: Record<string, Headline> = {};
  const spreads = new Map<string, string>();
  for (const { instance, folder } of results) {
    const [stage, name] = instance.split(':');
    if (stage === 'seed-spread' && name !== undefined) spreads.set(name, folder);
    if (stage !== 'evaluate' || name === undefined) continue;
    const headline = await headlineOf(outputFolder(folder, 'metrics'));
    if (headline !== undefined) headlines[name] = headline;
  }
  for (const [name, folder] of spreads) {
    const headline = headlines[name];
    if (headline === undefined) continue;
    const seeds = await seedsIn(outputFolder(folder, 'spread'));
    if (seeds !== undefined) headlines[name] = { ...headline, seeds };
  }
  return headlines;
}

/** Mean and spread of the figures of the whole test split; those of classes and parts stay in the artifact. */
async function seedsIn(folder: string): Promise<Headline['seeds']> {
  try {
    const { figures } = await readSeedSpread(folder);
    return Object.fromEntries(Object.entries(figures).filter(([name]) => !name.includes('.')));
  } catch {
    return undefined;
  }
}

/** Undefined where the files cannot be read: a run that failed for it must still leave its run.json. */
async function headlineOf(folder: string): Promise<Headline | undefined> {
  try {
    const found = await readAnyMetrics(folder);
    const timings = await readTimings(folder);
    const latencyMsP50 = timings?.latencyMsBatch1.p50 ?? null;
    if (isOfValues(found)) {
      const {
        name: _name,
        formatVersion: _number,
        perClass: _perClass,
        columnSlices: _,
        ...kept
      } = found;
      return { ...kept, latencyMsP50 };
    }
    const { name: _, formatVersion: _version, ...metrics } = found;
    const {
      calibrationBins: _bins,
      confusions: _confusions,
      perClass: _perClass,
      columnSlices: _slices,
      words,
      ...kept
    } = metrics;
    const entityF1 = words?.entities?.f1;
    return { ...kept, ...(entityF1 !== undefined && { entityF1 }), latencyMsP50 };
  } catch {
    return undefined;
  }
}
