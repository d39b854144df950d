import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { StageContext } from '#stages/stage.ts';
import { modelConfigOf } from './model-files.ts';

/** Padding is masked, but some encoders count positions by it. */
export async function padTokenIdOf(context: StageContext<unknown>): Promise<number> {
  const path = modelConfigOf(context);
  if (path === undefined) return 0;
  return modelConfig.parse(JSON.parse(await readFile(path, 'utf8'))).pad_token_id ?? 0;
}

const modelConfig = z.object({ pad_token_id: z.int().nonnegative().nullish() });
