import { isLanguageModel } from '#datasets/task.ts';
import { filesOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { outputsOfClasses } from './class-order.ts';
import { padTokenIdOf } from './pad-token.ts';
import type { Identity } from './provenance.ts';
import type { Keep, SoftLabelConfig } from './settings.ts';
import { openTeacher, type Teacher } from './teacher.ts';

/** The teacher that the files and settings of the stage name, answering for these rows and classes. Close it. */
export async function openTeacherOf(
  context: StageContext<Pick<SoftLabelConfig, 'device' | 'threads' | 'task' | 'gather'>>,
  keep: Keep,
  { classNames, perToken }: Pick<Identity, 'classNames' | 'perToken'>,
): Promise<Teacher> {
  const [model = ''] = filesOf(context, 'model');
  const { device, threads, task, gather } = context.config;
  // Classes of a language model are tokens, whatever config.json has left of another task.
  const named = isLanguageModel(task) ? undefined : context.files['modelConfig']?.[0];
  return openTeacher(model, {
    device,
    threads,
    keep,
    padTokenId: await padTokenIdOf(context),
    perToken,
    gatherEarly: gather !== 'off',
    outputsOfClasses: outputsOfClasses(named, classNames),
  });
}
