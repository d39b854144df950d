import { requireSameClasses } from '#datasets/class-list.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { TrainStudentConfig } from './settings.ts';
import type { TeacherCache } from './targets/mixed-caches.ts';

/** The caches of rows and, where a student learns from views, of these. The caller closes them. */
export interface TrainingCaches {
  readonly rows: readonly TeacherCache[];
  readonly views: readonly TeacherCache[];
}

/** `rows/train` is the cache of the main teacher, `rows/train@NAME` that of a further one; `views/rows` likewise. */
export async function openTrainingCaches(
  context: StageContext<TrainStudentConfig>,
  classNames: readonly string[],
  { withViews }: { readonly withViews: boolean },
): Promise<TrainingCaches> {
  const weights = context.config.teacherWeights ?? {};
  const opened: TeacherCache[] = [];
  const open = async (kind: string): Promise<TeacherCache[]> => {
    const names = Object.keys(context.inputs).filter((name) => name.split('@')[0] === kind);
    const caches: TeacherCache[] = [];
    for (const name of names.length === 0 ? [kind] : names) {
      const reader = await openCheckedCache(inputOf(context, name), classNames);
      const cache = { reader, weight: weights[name.split('@')[1] ?? 'teacher'] ?? 1 };
      caches.push(cache);
      opened.push(cache);
    }
    return caches;
  };
  try {
    return { rows: await open('rows/train'), views: withViews ? await open('views/rows') : [] };
  } catch (error) {
    for (const { reader } of opened) await reader.close();
    throw error;
  }
}

/** A cache whose classes are those of the corpus; `SoftLabelReader.close` is the caller's. */
export async function openCheckedCache(
  folder: string,
  classNames: readonly string[],
): Promise<SoftLabelReader> {
  const reader = await openSoftLabels(folder);
  try {
    requireSameClasses(folder, reader.meta.classNames, classNames);
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}
