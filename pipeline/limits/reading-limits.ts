import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import type { ConfigProblem } from '#pipeline/config/config-sources.ts';
import type { TeacherSource } from '#pipeline/teachers/teacher-source.ts';

/** Windows and views need a teacher that reads whatever it is given; undefined where it can. */
export function readingProblem(
  { teacher, augmentations }: DecantConfig,
  source: TeacherSource,
): ConfigProblem | undefined {
  if (source.type === 'answers' && augmentations !== undefined) {
    const problem = 'are for teachers that are models: no file of answers knows the changed texts';
    return { path: 'augmentations', problem };
  }
  if (source.type === 'model' || teacher.longTexts !== 'windows') return undefined;
  const problem =
    source.type === 'answers'
      ? 'windows is for models: an answer is of the whole text; leave longTexts out'
      : 'windows is for models with classes of their own: a head is fitted on one row a text; set truncate or head-tail';
  return { path: 'teacher.longTexts', problem };
}
