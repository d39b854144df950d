import { figuresIn } from '#datasets/metrics/figures.ts';
import { readAnyMetrics } from '#datasets/metrics/metrics.ts';
import { type SeedSpread, writeSeedSpread } from '#datasets/metrics/seed-spread.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { spreadOf } from '#stages/numerics/spread.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { SeedSpreadConfig } from './index.ts';

/** Puts the figures of all students of a variant together, each with mean, standard deviation and range. */
export async function* runSeedSpread(
  context: StageContext<SeedSpreadConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { name, students } = context.config;
  const measured: Map<string, number>[] = [];
  for (const student of students) {
    measured.push(figuresIn(await readAnyMetrics(inputOf(context, `metrics.${student}`))));
  }
  const figures = spreads(measured);
  await writeSeedSpread(outputOf(context, 'spread'), { formatVersion: 1, name, students, figures });
  const [lead, spread] = Object.entries(figures)[0] ?? [];
  if (lead !== undefined && spread !== undefined) {
    yield { type: 'metric', name: `${lead}Mean`, value: spread.mean, step: 0 };
    yield { type: 'metric', name: `${lead}Sd`, value: spread.sd, step: 0 };
  }
}

/** A figure that some student lacks, such as the precision of a class that it never names, has no mean. */
function spreads(measured: readonly ReadonlyMap<string, number>[]): SeedSpread['figures'] {
  const names = [...(measured[0]?.keys() ?? [])];
  return Object.fromEntries(
    names.flatMap((name) => {
      const values = measured.flatMap((figures) => figures.get(name) ?? []);
      return values.length === measured.length ? [[name, spreadOf(values)]] : [];
    }),
  );
}
