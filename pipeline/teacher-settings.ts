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
      'In place of model, files with an answer a row (JSON Lines, .gz too): a label, probabilities, log_probs or votes, of a language model behind an API or of people.',
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
  license: z
    .string()
    .optional()
    .describe(
      'Licence of the teacher: goes into manifest, card and report. Default: what its README.md or source.json names.',
    ),
} as const;

/** The settings of one teacher that say who it is. */
export type TeacherSettings = z.infer<z.ZodObject<typeof teacherFields>>;

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
  const strangers = Object.entries(BELONGS_TO).flatMap(([name, owner]) => {
    const key = keyNamed(name);
    const isStranger = key !== undefined && settings[key] !== undefined && owner !== source;
    return isStranger
      ? [{ key, problem: `belongs to ${owner}, but the teacher is ${source}` }]
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

function keyNamed(name: string): keyof TeacherSettings | undefined {
  const keys = Object.keys(teacherFields) as (keyof TeacherSettings)[];
  return keys.find((key) => key === name);
}

const SOURCES = ['model', 'answers', 'embeddings'] as const;

const BELONGS_TO = { smoothing: 'answers', missing: 'answers', head: 'embeddings' } as const;

const ALTERNATIVES =
  'Write model: DIR (a classifier in ONNX), answers: FILE (answers that somebody has given), or embeddings: DIR with head: fit (a sentence encoder)';
