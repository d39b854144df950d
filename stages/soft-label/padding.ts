import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { firstPositionOf } from '#stages/onnx/first-position.ts';
import type { Padding } from '#stages/onnx/text-inputs.ts';
import type { StageContext } from '#stages/stage.ts';
import { modelConfigOf } from './model-files.ts';

/** Both as the teacher's config.json has them; 0 without one. */
export async function paddingOf(context: StageContext<unknown>): Promise<Padding> {
  const path = modelConfigOf(context);
  if (path === undefined) return { padTokenId: 0 };
  const config = modelConfig.parse(JSON.parse(await readFile(path, 'utf8')));
  return { padTokenId: config.pad_token_id ?? 0, firstPosition: firstPositionOf(config) };
}

const modelConfig = z.object({
  model_type: z.string().optional().catch(undefined),
  pad_token_id: z.int().nonnegative().nullish(),
});
