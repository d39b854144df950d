import type { StageContext } from '#stages/stage.ts';
import { outputsOfClasses } from './class-order.ts';
import { modelConfigOf, modelOf } from './model-files.ts';
import { padTokenIdOf } from './pad-token.ts';
import type { Identity } from './provenance.ts';
import type { Keep, SoftLabelConfig } from './settings.ts';
import { openTeacher, type Teacher } from './teacher.ts';

/** The teacher that the files and settings of the stage name, answering for these rows and classes. Close it. */
export async function openTeacherOf(
  context: StageContext<Pick<SoftLabelConfig, 'device' | 'threads'>>,
  keep: Keep,
  { classNames, perToken }: Pick<Identity, 'classNames' | 'perToken'>,
): Promise<Teacher> {
  const { device, threads } = context.config;
  return openTeacher(modelOf(context), {
    device,
    threads,
    keep,
    padTokenId: await padTokenIdOf(context),
    perToken,
    outputsOfClasses: outputsOfClasses(modelConfigOf(context), classNames),
  });
}
