import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * Names of a classifier's outputs in their order, as id2label of its config.json has them; undefined where
 * it has numbers only (LABEL_0, LABEL_1, ...) or does not say.
 */
export function classNamesIn(configPath: string): readonly string[] | undefined {
  const parsed = configSchema.safeParse(JSON.parse(readFileSync(configPath, 'utf8')));
  const labels = parsed.success ? (parsed.data.id2label ?? {}) : {};
  const names = Object.keys(labels).flatMap((_, id) => labels[String(id)] ?? []);
  return names.every((name, id) => name === `LABEL_${id}`) ? undefined : names;
}

const configSchema = z.looseObject({ id2label: z.record(z.string(), z.string()).nullish() });
