import { isPerToken } from '#datasets/task.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import type { Problem } from './task-limits.ts';

/** Parts and changed forms of the test rows, where rows have one answer and texts that can be changed. */
export function ofEvaluation({
  task,
  corpus,
  privacy,
  evaluate = {},
}: DecantConfig): readonly Problem[] {
  const { slices, robustness } = evaluate;
  const problems: Problem[] = [];
  if (isPerToken(task)) {
    for (const [name, value] of Object.entries({ slices, robustness })) {
      const problem = `is of rows with one answer, and a row of ${task} has one for each word or token: leave it out`;
      if (value !== undefined) problems.push({ path: `evaluate.${name}`, problem });
    }
    return problems;
  }
  if (robustness === undefined) return problems;
  const path = 'evaluate.robustness';
  if (corpus.columns.text === null) {
    problems.push({ path, problem: 'changes texts, and the rows have none: leave it out' });
  }
  if (!privacy.storeTexts) {
    const problem =
      'changes the texts of the test rows, and privacy.storeTexts: false keeps none of them: leave one of the two out';
    problems.push({ path, problem });
  }
  return problems;
}
