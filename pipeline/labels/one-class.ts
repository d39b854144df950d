import { Failure } from '#cache/failure.ts';
import type { Project } from '#pipeline/project.ts';

/** Rows of the task have no single class to doubt or to ask for. */
class ManyClassesError extends Failure {
  constructor(task: string) {
    super(
      'usage',
      'E_LABELS_TASK',
      `labels review and ask look at rows that have one class; task is ${task}`,
      'look into the cache: npx decant cache head, cache stats, cache sql',
    );
  }
}

/** Throws where the task of the project gives a row anything but one class. */
export function requireOneClass({ loaded }: Project): void {
  const { task } = loaded.config;
  if (task !== 'classification') throw new ManyClassesError(task);
}
