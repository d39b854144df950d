import { filesOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { padTokenIdOf } from './pad-token.ts';
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
