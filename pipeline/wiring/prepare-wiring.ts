import { resolve } from 'node:path';
import { idxLabelsOf } from '#datasets/corpus/idx.ts';
import { isLanguageModel, isValueTask } from '#datasets/task.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import { isFraction } from '#pipeline/config/sections/corpus.ts';
import { taskSetting } from '#pipeline/limits/task-limits.ts';
import { requireTokenizer } from '#pipeline/teachers/teacher-files.ts';
import type { MainTeacher } from '#pipeline/teachers/teachers.ts';
import { prepare } from '#stages/prepare/index.ts';
import { createInstance, type StageInstance } from './graph.ts';

/** Reads the corpus with the tokenizer of its teacher. `tombstones` is the store's file of forgotten rows. */
export function prepareInstance(
  { config, folder }: LoadedConfig,
  { source, tokenizer }: MainTeacher,
  tombstones: string | undefined,
): StageInstance {
  const { corpus, student } = config;
  const paths = (value: string | readonly string[]) =>
    [value].flat().map((path) => resolve(folder, path));
  const fraction = isFraction(corpus.validation) ? corpus.validation.fraction : undefined;
  const validation = isFraction(corpus.validation) ? [] : corpus.validation;
  return createInstance('prepare', prepare, {
    config: {
      columns: corpus.columns,
      onConflict: corpus.onConflict,
      leaks: corpus.leaks,
      maxRejects: corpus.maxRejects,
      classNames: corpus.classNames,
      textUnit: corpus.textUnit,
      maskShare: corpus.maskShare,
      limit: corpus.limit,
      validationFraction: fraction,
      seed: config.seed,
      teacherMaxLength: config.teacher.maxLength,
      teacherLongTexts: unlessTruncate(config.teacher.longTexts),
      windowOverlap: config.teacher.windowOverlap,
      studentMaxLength: student.maxLength ?? config.teacher.maxLength,
      studentLongTexts: unlessTruncate(student.longTexts),
      studentVocabulary: isLanguageModel(config.task) ? 'full' : student.vocabulary,
      task: taskSetting(config),
      augmentations: config.augmentations,
      separator: corpus.separator,
      sliceColumns: config.evaluate?.slices,
      // Left out where it changes nothing, so that artifacts of before it stay fresh.
      storeTexts: config.privacy.storeTexts ? undefined : false,
      classesFrom: source.type === 'embeddings' ? 'labels' : undefined,
    },
    files: {
      train: paths(corpus.train),
      validation: paths(validation),
      test: paths(corpus.test),
      ...(corpus.columns.text !== null && { teacherTokenizer: [requireTokenizer(tokenizer)] }),
      ...(source.type === 'model' ? { teacherConfig: [source.files.config] } : {}),
      teacherTokenizerConfig: tokenizer.tokenizerConfig,
      teacherSpecialTokens: tokenizer.specialTokens,
      ...(source.type === 'answers' && answersTellClasses(config) ? { answers: source.paths } : {}),
      ...(corpus.corrections === undefined ? {} : { corrections: paths(corpus.corrections) }),
      ...companionFiles([corpus.train, validation, corpus.test].flatMap(paths)),
    },
    ...(tombstones === undefined ? {} : { optionalFiles: { tombstones } }),
    inputs: {},
  });
}

/** Where something else tells the classes, more answers do not make the corpus stale. */
function answersTellClasses({ task, corpus }: LoadedConfig['config']): boolean {
  const hasColumns = isValueTask(task) && typeof corpus.columns.label !== 'string';
  return corpus.classNames === undefined && task !== 'regression' && !hasColumns;
}

/** Labels of IDX files lie in files of their own, which decide the result as well. */
function companionFiles(paths: readonly string[]): Record<string, string[]> {
  const idxLabels = paths.flatMap((path) => idxLabelsOf(path) ?? []);
  return idxLabels.length === 0 ? {} : { idxLabels };
}

function unlessTruncate<Cut extends string>(cut: Cut | undefined): Cut | undefined {
  return cut === 'truncate' ? undefined : cut;
}
