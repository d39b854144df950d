import { readShapes } from '#datasets/features.ts';

import type { StageContext } from '#stages/stage.ts';
import { outputsOfClasses } from './class-order.ts';
import { modelConfigOf, modelOf } from './model-files.ts';
import { padTokenIdOf } from './pad-token.ts';
import type { Identity } from './provenance.ts';
import type { Keep, SoftLabelConfig } from './settings.ts';
import { type ModelTeacher, openTeacher } from './teacher.ts';

/** The teacher that the files and settings of the stage name, answering for these rows and classes. Close it. */
export async function openTeacherOf(
  context: StageContext<TeacherSettings>,
  keep: Keep,
  { classNames, perToken }: Pick<Identity, 'classNames' | 'perToken'>,
  { census = false }: { readonly census?: boolean } = {},
): Promise<ModelTeacher> {
  const { device, deviceId, strict, threads, output } = context.config;
  return openTeacher(modelOf(context), {
    device,
    deviceId,
    threads,
    everyNodeOnDevice: strict === 'every-node',
    census,
    output,
    keep,
    padTokenId: await padTokenIdOf(context),
    perToken,
    shapes: await readShapes(context.inputs['inputs/train']),
    outputsOfClasses: outputsOfClasses(modelConfigOf(context), classNames),
  });
}

type TeacherSettings = Pick<SoftLabelConfig, 'device' | 'threads'> &
  Partial<Pick<SoftLabelConfig, 'deviceId' | 'strict' | 'output'>>;
