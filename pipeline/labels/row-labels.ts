import { Failure } from '#cache/failure.ts';
import { isLanguageModel, type LanguageModelTask } from '#datasets/task.ts';
import type { Project } from '#pipeline/project.ts';

/** A language model has no labels that a person could have got wrong, or could give. */
class NoRowLabelsError extends Failure {
  constructor(task: LanguageModelTask) {
    super(
      'usage',
      'E_LABELS_TASK',
      `task: ${task} has no labels to look at: the text itself says which token is right`,
      'look at the tokens that the teacher doubts: npx decant cache sql "select * from soft_labels order by gold_log_prob limit 10"',
    );
  }
}

/** Throws where the rows of the project have no labels of their own. */
export function requireRowLabels({ loaded }: Project): void {
  const { task } = loaded.config;
  if (isLanguageModel(task)) throw new NoRowLabelsError(task);
}
