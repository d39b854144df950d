import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { MetricsFileError } from './metrics.ts';

const spreadSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** The variant. */
  name: z.string(),
  /** Its students, the first one by the variant's own name: the one that is exported. */
  students: z.array(z.string()).min(2),
  /** By the names that gates use; only what every student has. */
  figures: z.record(
    z.string(),
    z.strictObject({
      n: z.int(),
      mean: z.number(),
      /** Of a sample: n - 1. */
      sd: z.number(),
      min: z.number(),
      max: z.number(),
    }),
  ),
});

/** Figures of the students of one variant that differ in their seed alone: `spread.json`. */
export type SeedSpread = z.infer<typeof spreadSchema>;

export type Spread = SeedSpread['figures'][string];

/** Writes `spread.json`. */
export async function writeSeedSpread(folder: string, spread: SeedSpread): Promise<void> {
  await writeFileAtomic(
    join(folder, FILE),
    `${JSON.stringify(spreadSchema.parse(spread), null, 2)}\n`,
  );
}

/** Reads and checks `spread.json`. */
export async function readSeedSpread(folder: string): Promise<SeedSpread> {
  const file = join(folder, FILE);
  try {
    return spreadSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new MetricsFileError(file, why);
  }
}

const FILE = 'spread.json';
