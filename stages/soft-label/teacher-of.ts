import { filesOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { outputsOfClasses } from './class-order.ts';
import { padTokenIdOf } from './pad-token.ts';
import type { Identity } from './provenance.ts';
import type { Keep, SoftLabelConfig } from './settings.ts';
import { openTeacher, type Teacher } from './teacher.ts';

/** The teacher that the files and settings of the stage name, answering for these rows and classes. Close it. */
export async function openTeacherOf(
  context: StageContext<TeacherSettings>,
  keep: Keep,
  { classNames, perToken }: Pick<Identity, 'classNames' | 'perToken'>,
  { census = false }: { readonly census?: boolean } = {},
): Promise<Teacher> {
  const [model = ''] = filesOf(context, 'model');
  const { device, deviceId, strict, threads, output } = context.config;
  return openTeacher(model, {
    device,
    deviceId,
    threads,
    everyNodeOnDevice: strict === 'every-node',
    census,
    output,
    keep,
    padTokenId: await padTokenIdOf(context),
    perToken,
    outputsOfClasses: outputsOfClasses(context.files['modelConfig']?.[0], classNames),
  });
}

type TeacherSettings = Pick<SoftLabelConfig, 'device' | 'threads'> &
  Partial<Pick<SoftLabelConfig, 'deviceId' | 'strict' | 'output'>>;
