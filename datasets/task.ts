/** What a teacher answers, and so what a row of soft labels is. */
export const TASKS = [
  'classification',
  'multi-label',
  'regression',
  'token-classification',
  'causal-lm',
  'masked-lm',
  'sequence-to-sequence',
] as const;

export type Task = (typeof TASKS)[number];

/** Tasks that say one thing of a whole text, so that one encoder can have a head for each of several. */
export const HEAD_TASKS = ['classification', 'multi-label', 'regression'] as const;

/** Does an example have a row of soft labels for each of its words or tokens? */
export function isPerToken(task: Task): boolean {
  return !HEAD_TASKS.some((one) => one === task);
}

/** Tasks whose gold is a vector of numbers and not one class. */
export type ValueTask = Extract<Task, 'multi-label' | 'regression'>;

/** Is the gold of this task a vector of numbers? A stage without a task classifies. */
export function isValueTask(task: Task | undefined): task is ValueTask {
  return task === 'multi-label' || task === 'regression';
}

/** Tasks whose classes are the pieces of a vocabulary, and whose text is its own label. */
export const LANGUAGE_MODEL_TASKS = ['causal-lm', 'masked-lm', 'sequence-to-sequence'] as const;

export type LanguageModelTask = (typeof LANGUAGE_MODEL_TASKS)[number];

/** Does the teacher answer with a token? */
export function isLanguageModel(task: Task | undefined): task is LanguageModelTask {
  return LANGUAGE_MODEL_TASKS.some((one) => one === task);
}
