import { readShapes } from '#datasets/features.ts';
import { isLanguageModel } from '#datasets/task.ts';
import type { StageContext } from '#stages/stage.ts';
import { outputsOfClasses } from './class-order.ts';
import { requireKnownTokens } from './known-tokens.ts';
import { modelConfigOf, modelOf } from './model-files.ts';
import { paddingOf } from './padding.ts';
import type { Identity } from './provenance.ts';
import type { Keep, SoftLabelConfig } from './settings.ts';
import { type ModelTeacher, openTeacher } from './teacher.ts';
import type { TeacherRow } from './teacher-rows.ts';

/** The teacher that the files and settings of the stage name, for these rows and classes. Close it. */
export async function openTeacherOf(
  context: StageContext<TeacherSettings>,
  rows: Iterable<TeacherRow>,
  keep: Keep,
  { classNames, perToken }: Pick<Identity, 'classNames' | 'perToken'>,
  { census = false }: { readonly census?: boolean } = {},
): Promise<ModelTeacher> {
  const { task, device, deviceId, strict, threads, output, gather } = context.config;
  // Classes of a language model are tokens, whatever config.json has left of another task.
  const named = isLanguageModel(task) ? undefined : modelConfigOf(context);
  const model = modelOf(context);
  requireKnownTokens(model, rows);
  return openTeacher(model, {
    device,
    deviceId,
    threads,
    everyNodeOnDevice: strict === 'every-node',
    census,
    output,
    keep,
    ...(await paddingOf(context)),
    perToken,
    gatherEarly: gather !== 'off',
    shapes: await readShapes(context.inputs['inputs/train']),
    outputsOfClasses: outputsOfClasses(named, classNames),
  });
}

type TeacherSettings = Pick<SoftLabelConfig, 'device' | 'threads'> &
  Partial<Pick<SoftLabelConfig, 'task' | 'deviceId' | 'strict' | 'output' | 'gather'>>;
