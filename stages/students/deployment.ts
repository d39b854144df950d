import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { operatingPointSchema } from './operating-point.ts';
import { taskHeadsSchema } from './task-heads.ts';

/** What `decant` of an exported student's config.json holds; other programs pass it over. */
export const deploymentSchema = z.looseObject({
  /** It learned from pairs of texts, and answers to nothing else. */
  text_pairs: z.literal(true).optional(),
  operating_point: operatingPointSchema.optional(),
  /** Where there are several ONNX files: the one to deploy. */
  recommended_file: z.strictObject({ file: z.string(), because: z.string() }).optional(),
  /** Further tasks that the student answers. */
  heads: taskHeadsSchema.optional(),
});

export type Deployment = z.infer<typeof deploymentSchema>;
export type RecommendedFile = NonNullable<Deployment['recommended_file']>;

/** Adds what is known of the use of a student to its config.json. */
export async function writeDeployment(folder: string, deployment: Deployment): Promise<void> {
  const known = Object.entries(deployment).filter(([, value]) => value !== undefined);
  if (known.length === 0) return;
  const file = join(folder, CONFIG);
  const config = configSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const decant = { ...config.decant, ...Object.fromEntries(known) };
  await writeFileAtomic(file, `${JSON.stringify({ ...config, decant }, null, 2)}\n`);
}

/** What config.json of an exported student says of its use. */
export async function readDeployment(folder: string): Promise<Deployment> {
  const config = configSchema.parse(JSON.parse(await readFile(join(folder, CONFIG), 'utf8')));
  return config.decant ?? {};
}

const CONFIG = 'config.json';
const configSchema = z.looseObject({ decant: deploymentSchema.optional() });
