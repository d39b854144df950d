import { outputFolder } from '#cache/artifact-store.ts';
import { isOfValues, readAnyMetrics, readTimings } from '#datasets/metrics.ts';
import type { StageResult } from './events.ts';
import type { Headline } from './run-record.ts';

/** The figures of every evaluated model by its name, without the long tables. */
export async function headlinesOf(
  results: readonly StageResult[],
): Promise<Record<string, Headline>> {
  const headlines: Record<string, Headline> = {};
  for (const { instance, folder } of results) {
    const [stage, name] = instance.split(':');
    if (stage !== 'evaluate' || name === undefined) continue;
    const headline = await headlineOf(outputFolder(folder, 'metrics'));
    if (headline !== undefined) headlines[name] = headline;
  }
  return headlines;
}

/** Undefined where the files cannot be read: a run that failed for it must still leave its run.json. */
async function headlineOf(folder: string): Promise<Headline | undefined> {
  try {
    const found = await readAnyMetrics(folder);
    const timings = await readTimings(folder);
    const latencyMsP50 = timings?.latencyMsBatch1.p50 ?? null;
    if (isOfValues(found)) {
      const { name: _name, formatVersion: _number, perClass: _perClass, ...kept } = found;
      return { ...kept, latencyMsP50 };
    }
    const { name: _, formatVersion: _version, ...metrics } = found;
    const {
      calibrationBins: _bins,
      confusions: _confusions,
      perClass: _perClass,
      words,
      ...kept
    } = metrics;
    const entityF1 = words?.entities?.f1;
    return { ...kept, ...(entityF1 !== undefined && { entityF1 }), latencyMsP50 };
  } catch {
    return undefined;
  }
}
