import { resolve } from 'node:path';
import { idxLabelsOf } from '#datasets/corpus/idx.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { prepare } from '#stages/prepare/index.ts';
import { candidatesOf, chooseInstance } from './auto-student.ts';
import type { LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';

import { createInstance, inOrder, type StageInstance } from './graph.ts';

import { withPins } from './pinned.ts';
import { relabelInstances, studentsOf } from './relabel-wiring.ts';
import {
  evaluateStudent,
  evaluateTeacher,
  exportInstance,
  hasInt8,
  operatingPointInstances,
  reportInstance,
} from './result-wiring.ts';
import { refuseSeeds, seedNames, spreadInstance } from './seeds.ts';
import { refuseUnread } from './student-limits.ts';
import { trainInstance } from './student-wiring.ts';
import { refuseForTask, taskSetting } from './task-limits.ts';

import { requireTokenizer } from './teacher-files.ts';
import { fitHeadInstance, softLabelInstance } from './teacher-wiring.ts';

import { type MainTeacher, type Teacher, teachersOf, teachersOfVariant } from './teachers.ts';
import { exportedVariant, goldOnlyVariant, variantOrder } from './variants.ts';
import { viewLabelInstance } from './view-wiring.ts';

/**
 * The graph of a configuration: every stage instance with its settings, files and inputs, in an
 * order in which inputs come before their users. `tombstones` is the store's file of forgotten rows.
 */
export function graphOf(loaded: LoadedConfig, tombstones?: string): StageInstance[] {
  const { config } = loaded;
  refuseForTask(loaded);
  refuseUnread(loaded);
  refuseSeeds(loaded);
  const teachers = teachersOf(loaded);
  const [main] = teachers;
  const beforeStudents = [
    prepareInstance(loaded, main, tombstones),
    ...teachers.flatMap((teacher) => fitHeadInstance(config, teacher)),
    ...teachers.flatMap((teacher) => softLabelInstances(config, teacher, main)),
  ];
  // The cache of a language model may be all that is wanted.
  const hasStudents = Object.keys(config.variants).length > 0;
  if (!hasStudents) return inOrder(withPins(loaded, beforeStudents));
  const order = variantOrder(loaded);
  const students = studentsOf(loaded, order);
  const needsRelabel = students.some(({ labels }) => labels === 'hard-relabel');
  const relabel = needsRelabel ? relabelInstances(loaded, teachers) : [];
  const trained = students.map((student) =>
    candidatesOf(config, student.name).length > 0
      ? chooseInstance(config, student.name)
      : trainInstance(loaded, teachers, student),
  );
  const names = students.map(({ name }) => name);
  // Of all students those that have no other seed beside them, and the first of those that have.
  const firsts = students.filter(({ seed }) => seed === undefined);
  const spreads = firsts.flatMap(({ name, variant }) => {
    const ofSeeds = seedNames(config, variant, name);
    return ofSeeds.length > 1 ? [spreadInstance(name, ofSeeds)] : [];
  });
  const exported = exportedVariant(config, order);
  const evaluations = [
    ...teachers.map((teacher) => evaluateTeacher(config, teacher)),
    ...names.map((name) => evaluateStudent(config, name, { isExported: name === exported })),
    ...(hasInt8(config)
      ? [evaluateStudent(config, exported, { isExported: true, quantize: 'int8' })]
      : []),
  ];
  const instances = [
    ...beforeStudents,
    ...trained,
    ...relabel,
    ...operatingPointInstances(config, exported),
    ...evaluations,
    ...spreads,
    exportInstance(config, teachersOfVariant(loaded, teachers, exported), exported),
    reportInstance(loaded, {
      teachers,
      order: firsts.map(({ name }) => name),
      spreads: spreads.map(({ name }) => name),
      exported,
      baseline: goldOnlyVariant(config, order),
      needsRelabel,
    }),
  ];
  return inOrder(withPins(loaded, instances));
}

function prepareInstance(
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
      // Where corpus.classNames tells the classes, more answers do not make the corpus stale.
      ...(source.type === 'answers' && corpus.classNames === undefined
        ? { answers: source.paths }
        : {}),
      ...(corpus.corrections === undefined ? {} : { corrections: paths(corpus.corrections) }),
      ...companionFiles([corpus.train, validation, corpus.test].flatMap(paths)),
    },
    ...(tombstones === undefined ? {} : { optionalFiles: { tombstones } }),
    inputs: {},
  });
}

/** Labels of IDX files lie in files of their own, which decide the result as well. */
function companionFiles(paths: readonly string[]): Record<string, string[]> {
  const idxLabels = paths.flatMap((path) => idxLabelsOf(path) ?? []);
  return idxLabels.length === 0 ? {} : { idxLabels };
}

/** What a teacher says of the rows, and of their views where there are any. */
function softLabelInstances(
  config: DecantConfig,
  teacher: Teacher,
  main: MainTeacher,
): StageInstance[] {
  const ofRows = softLabelInstance(config, teacher, main);
  return config.augmentations === undefined
    ? [ofRows]
    : [ofRows, viewLabelInstance(ofRows, teacher)];
}

function unlessTruncate<Cut extends string>(cut: Cut | undefined): Cut | undefined {
  return cut === 'truncate' ? undefined : cut;
}

function isFraction(value: unknown): value is { readonly fraction: number } {
  return typeof value === 'object' && value !== null && 'fraction' in value;
}
