import { type AnyMetrics, readAnyMetrics } from '#datasets/metrics/metrics.ts';
import type { SeedSpread } from '#datasets/metrics/seed-spread.ts';
import type { StageContext } from '#stages/stage.ts';
import type { ReportConfig } from './config.ts';
import { readSpreads } from './spread.ts';

/** A further task of the students: figures of its teacher and of each student, on test rows of its own. */
export interface HeadResults {
  readonly name: string;
  readonly models: readonly {
    readonly name: string;
    readonly metrics: AnyMetrics;
    /** Of a student with several seeds. */
    readonly spread?: SeedSpread | undefined;
  }[];
}

/** The figures of all further heads; `models` are the teacher and the students by the name that they have elsewhere. */
export async function readHeads(
  { config, inputs }: StageContext<ReportConfig>,
  models: readonly string[],
): Promise<HeadResults[]> {
  const spreads = await readSpreads(inputs);
  const read = async (head: string): Promise<HeadResults> => {
    const measured = models.flatMap((name) => {
      const folder = inputs[`metrics.${name}.${head}`];
      return folder === undefined ? [] : [{ name, folder }];
    });
    const own = measured.map(async ({ name, folder }) => {
      const metrics = await readAnyMetrics(folder);
      return { name, metrics, spread: spreads.get(`${name}.${head}`) };
    });
    return { name: head, models: await Promise.all(own) };
  };
  return Promise.all((config.heads ?? []).map(read));
}
