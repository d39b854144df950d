import { resolve } from 'node:path';
import { idxLabelsOf } from '#datasets/corpus/idx.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { prepare } from '#stages/prepare/index.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { candidatesOf, chooseInstance, studentInstance } from './auto-student.ts';
import type { LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';
import { deviceSettings } from './device.ts';
import {
  createInstance,
  type InputReference,
  inOrder,
  perSplit,
  type StageInstance,
} from './graph.ts';
import { initialiseParts } from './initialise-wiring.ts';
import { ownLossOf } from './own-loss.ts';
import { withPins } from './pinned.ts';
import { hardRelabelInstance } from './relabel-wiring.ts';
import {
  evaluateStudent,
  evaluateTeacher,
  exportInstance,
  reportInstance,
} from './result-wiring.ts';
import { refuseForTask, taskSetting } from './task-limits.ts';
import { requireTokenizer } from './teacher-files.ts';
import { fitHeadInstance, softLabelInstance } from './teacher-wiring.ts';
import {
  MAIN_TEACHER,
  type MainTeacher,
  softLabelName,
  type Teacher,
  teachersOf,
  teachersOfVariant,
} from './teachers.ts';
import { tensorInputs } from './tensor-wiring.ts';
import { exportedVariant, variantOrder } from './variants.ts';
import { viewInputs, viewLabelInstance } from './view-wiring.ts';

type Variant = DecantConfig['variants'][string];

/**
 * The graph of a configuration: every stage instance with its settings, files and inputs, in an
 * order in which inputs come before their users. `tombstones` is the store's file of forgotten rows.
 */
export function graphOf(loaded: LoadedConfig, tombstones?: string): StageInstance[] {
  const { config } = loaded;
  refuseForTask(loaded);
  const teachers = teachersOf(loaded);
  const [main] = teachers;
  const beforeStudents = [
    prepareInstance(loaded, main, tombstones),
    ...teachers.flatMap((teacher) => fitHeadInstance(config, teacher)),
    ...teachers.flatMap((teacher) => softLabelInstances(config, teacher, main)),
  ];
  if (isLanguageModel(config.task)) return inOrder(withPins(loaded, beforeStudents));
  const order = variantOrder(loaded);
  const needsRelabel = order.some((name) => config.variants[name]?.labels === 'hard-relabel');
  const relabel = needsRelabel ? [hardRelabelInstance(loaded)] : [];
  const trained = order.map((name) =>
    candidatesOf(config, name).length > 0
      ? chooseInstance(config, name)
      : trainInstance(loaded, teachers, name),
  );
  const exported = exportedVariant(config, order);
  const evaluations = [
    ...teachers.map((teacher) => evaluateTeacher(config, teacher)),
    ...order.map((name) => evaluateStudent(config, name)),
  ];
  const instances = [
    ...beforeStudents,
    ...trained,
    ...relabel,
    ...evaluations,
    exportInstance(config, teachersOfVariant(loaded, teachers, exported), exported),
    reportInstance(loaded, { teachers, order, exported, needsRelabel }),
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

function trainInstance(
  loaded: LoadedConfig,
  teachers: readonly [MainTeacher, ...Teacher[]],
  name: string,
): StageInstance {
  const { config } = loaded;
  const { initialise, files } = initialiseParts(loaded, teachers[0], name);
  const {
    initFrom,
    labels,
    teachers: _ofWiring,
    views = true,
    ...own
  } = config.variants[name] ?? ({} as Variant);
  const { vocabulary: _ofPrepare, longTexts: _too, mix: ofAll, ...shared } = config.student;
  const chosen = teachersOfVariant(loaded, teachers, name);
  // A variant that learns from gold labels alone does not become stale with the teacher's words.
  const learnsFromTeacher = (own.softLossWeight ?? shared.softLossWeight ?? 1) > 0;
  const isMix = learnsFromTeacher && chosen.length > 1;
  // Left out where nothing is mixed, so that students of one teacher stay fresh.
  const mixing = {
    mix: isMix ? (own.mix ?? ofAll) : undefined,
    teacherWeights: isMix
      ? Object.fromEntries(chosen.map((teacher) => [teacher.name, teacher.weight]))
      : undefined,
  };
  const skips = chosen.some(
    ({ source }) => source.type === 'answers' && source.settings.missing === 'skip',
  );
  const ownLoss = ownLossOf(loaded.folder, {
    softLoss: own.softLoss ?? shared.softLoss,
    isUsed: learnsFromTeacher,
  });
  const unanswered = learnsFromTeacher && skips ? 'leave-out' : undefined;
  return createInstance(`train-student:${name}`, trainStudent, {
    config: {
      task: taskSetting(config),
      seed: config.seed,
      ...shared,
      ...own,
      ...ownLoss.settings,
      ...mixing,
      unanswered,
      initialise,
      ...deviceSettings(config),
    },
    files: { ...files, ...ownLoss.files },
    inputs: {
      ...perSplit(['train', 'validation'], 'prepare', 'tokens/student'),
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      ...tensorInputs(config, ['train', 'validation']),
      ...(learnsFromTeacher ? trainRows(chosen) : {}),
      ...(learnsFromTeacher && views && config.augmentations !== undefined
        ? viewInputs(chosen)
        : {}),
      ...perSplit(['validation'], 'soft-label', 'rows'),
      'tokenizer/student': { instance: 'prepare', output: 'tokenizer/student' },
      classes: { instance: 'prepare', output: 'classes' },
      ...(labels === undefined
        ? {}
        : { hardLabels: { instance: 'hard-relabel', output: 'hard-labels' } }),
      ...(initFrom === undefined
        ? {}
        : { initFrom: { instance: studentInstance(config, initFrom), output: 'student' } }),
    },
  });
}

/** What each teacher says of the train rows: `rows/train` of the main one, `rows/train@NAME` of another. */
function trainRows(teachers: readonly Teacher[]): Record<string, InputReference> {
  return Object.fromEntries(
    teachers.map(({ name }) => [
      name === MAIN_TEACHER ? 'rows/train' : `rows/train@${name}`,
      { instance: softLabelName(name), output: 'rows/train' },
    ]),
  );
}

function unlessTruncate<Cut extends string>(cut: Cut | undefined): Cut | undefined {
  return cut === 'truncate' ? undefined : cut;
}

function isFraction(value: unknown): value is { readonly fraction: number } {
  return typeof value === 'object' && value !== null && 'fraction' in value;
}
