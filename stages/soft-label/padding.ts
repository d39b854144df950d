import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { firstPositionOf } from '#stages/onnx/first-position.ts';
import type { StageContext } from '#stages/stage.ts';
import { modelConfigOf } from './model-files.ts';

/** What a teacher reads where a row has no more tokens, and where it counts from. */
export interface Padding {
  /** Padding is masked, but some encoders count positions by it. */
  readonly padTokenId: number;
  /** Of the first token, where the model takes position_ids; 0 when left out. */
  readonly firstPosition?: number | undefined;
}

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
