import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import type { Problem } from './task-limits.ts';

/** Views are other texts, and windows parts of one: neither has tensors of its own. */
export function ofTensors({ corpus, teacher, augmentations }: DecantConfig): readonly Problem[] {
  if (corpus.columns.tensors === undefined) return [];
  const views =
    augmentations === undefined
      ? []
      : [
          {
            path: 'augmentations',
            problem: 'change texts, and the rows have tensors: leave it out',
          },
        ];
  const windows =
    teacher.longTexts !== 'windows'
      ? []
      : [
          {
            path: 'teacher.longTexts',
            problem: 'windows are of texts without tensors: set truncate',
          },
        ];
  return [...views, ...windows];
}
