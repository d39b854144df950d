import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { filesOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { Keep, SoftLabelConfig } from './settings.ts';
import { openTeacher, type Teacher } from './teacher.ts';

/** The teacher that the files and settings of the stage name. Close it. */
export async function openTeacherOf(
  context: StageContext<SoftLabelConfig>,
  keep: Keep,
): Promise<Teacher> {
  const [model = ''] = filesOf(context, 'model');
  const { device, threads } = context.config;
  return openTeacher(model, { device, threads, keep, padTokenId: await padTokenIdOf(context) });
}

/** Padding is masked, but some encoders count positions by it. */
async function padTokenIdOf(context: StageContext<SoftLabelConfig>): Promise<number> {
  const [path] = context.files['modelConfig'] ?? [];
  if (path === undefined) return 0;
  return modelConfig.parse(JSON.parse(await readFile(path, 'utf8'))).pad_token_id ?? 0;
}

const modelConfig = z.object({ pad_token_id: z.int().nonnegative().nullish() });
