import { z } from 'zod';
import { softLabelConfig } from '#stages/soft-label/settings.ts';

const answers = softLabelConfig.shape.answers.unwrap().shape;

/** What one teacher may say of itself in decant.yaml; `model`, `answers` or `embeddings` says who it is. */
export const teacherFields = {
  model: z
    .string()
    .optional()
    .describe('Hugging Face folder with onnx/model.onnx, or a lone .onnx file.'),
  answers: z
    .union([z.string(), z.array(z.string()).min(1).readonly()])
    .optional()
    .describe(
      'In place of model, files with an answer a row (JSON Lines, .gz too): a label, probabilities, log_probs or votes, of a language model behind an API or of people; of multi-label lists of labels, of regression numbers.',
    ),
  smoothing: answers.smoothing,
  missing: answers.missing,
  embeddings: z
    .string()
    .optional()
    .describe(
      'In place of model, a sentence encoder in ONNX: a folder as for model, or a lone .onnx file. It needs head.',
    ),
  head: z
    .literal('fit')
    .optional()
    .describe(
      'Of embeddings: fit, a linear head over the classes that is fitted on the gold labels of train; validation chooses its regularisation.',
    ),
  output: softLabelConfig.shape.output,
  license: z
    .string()
    .optional()
    .describe(
      'Licence of the teacher: goes into manifest, card and report. Default: what its README.md or source.json names.',
    ),
} as const;

/** What a further teacher may say besides: the graph of another has other tensors. */
export const hiddenOfFurther = z
  .array(z.string().min(1))
  .optional()
  .describe(
    'Of a further teacher that is a graph, its own tensors in place of those of soft-label.hidden; []: none.',
  );

/** The settings of one teacher that say who it is. */
export type TeacherSettings = z.infer<z.ZodObject<typeof teacherFields>> & {
  readonly hidden?: z.infer<typeof hiddenOfFurther>;
};

/** What is wrong with how the settings go together. */
export interface SettingProblem {
  readonly key: keyof TeacherSettings | undefined;
  readonly problem: string;
}

/** Exactly one of model, answers and embeddings, and beside it only what belongs to it. */
export function sourceProblems(settings: TeacherSettings): SettingProblem[] {
  const given = SOURCES.filter((key) => settings[key] !== undefined);
  const [source, other] = given;
  if (source === undefined) {
    return [{ key: undefined, problem: `it has none of ${SOURCES.join(', ')}. ${ALTERNATIVES}` }];
  }
  if (other !== undefined) {
    return [{ key: other, problem: `stands beside ${source}; keep one of them. ${ALTERNATIVES}` }];
  }
  const strangers = BELONGS_TO.flatMap(([key, ...owners]) => {
    const isStranger = settings[key] !== undefined && !owners.some((owner) => owner === source);
    return isStranger
      ? [{ key, problem: `belongs to ${owners.join(' or ')}, but the teacher is ${source}` }]
      : [];
  });
  if (source === 'embeddings' && settings.head === undefined) {
    const problem = 'needs head: fit, which fits a linear head on the gold labels of train';
    return [...strangers, { key: source, problem }];
  }
  return strangers;
}

/** Tells zod. */
export function checkSource(settings: TeacherSettings, context: z.RefinementCtx): void {
  for (const { key, problem } of sourceProblems(settings)) {
    context.addIssue({ code: 'custom', path: key === undefined ? [] : [key], message: problem });
  }
}

const SOURCES = ['model', 'answers', 'embeddings'] as const;

/** A setting, and the sources that have a use for it: the head that is fitted has outputs of its own. */
const BELONGS_TO = [
  ['smoothing', 'answers'],
  ['missing', 'answers'],
  ['head', 'embeddings'],
  ['output', 'model'],
  ['hidden', 'model', 'embeddings'],
] as const;

const ALTERNATIVES =
  'Write model: DIR (a classifier in ONNX), answers: FILE (answers that somebody has given), or embeddings: DIR with head: fit (a sentence encoder)';
