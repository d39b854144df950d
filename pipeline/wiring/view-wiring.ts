import {
  MAIN_TEACHER,
  softLabelName,
  type Teacher,
  viewsName,
} from '#pipeline/teachers/teachers.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { createInstance, type InputReference, type StageInstance } from './graph.ts';

/**
 * What a teacher says of views of train rows. It has a cache of its own beside that of the rows, so that
 * augmentations that come, change or go never touch what was said of the rows.
 */
export function viewLabelInstance(ofRows: StageInstance, { name }: Teacher): StageInstance {
  return createInstance(softLabelName(viewsName(name)), softLabel, {
    ...ofRows,
    inputs: {
      // What is no split's: the classes, and a head that was fitted.
      ...Object.fromEntries(
        Object.entries(ofRows.inputs).filter(([input]) => !input.includes('/')),
      ),
      'inputs/train': { instance: 'prepare', output: 'inputs/views' },
      'tokens/teacher/train': { instance: 'prepare', output: 'tokens/teacher/views' },
    },
  });
}

/** What a student that learns from views reads of them: `views/rows` of the main teacher, `views/rows@NAME` of another. */
export function viewInputs(teachers: readonly Teacher[]): Record<string, InputReference> {
  return {
    'views/inputs': { instance: 'prepare', output: 'inputs/views' },
    'views/tokens': { instance: 'prepare', output: 'tokens/student/views' },
    ...Object.fromEntries(
      teachers.map(({ name }) => [
        name === MAIN_TEACHER ? 'views/rows' : `views/rows@${name}`,
        { instance: softLabelName(viewsName(name)), output: 'rows/train' },
      ]),
    ),
  };
}
