import { resolve } from 'node:path';
import { SPLITS, type Split } from '#datasets/example.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { exportStudent } from '#stages/export-student/index.ts';
import { hardRelabel } from '#stages/hard-relabel/index.ts';
import { prepare } from '#stages/prepare/index.ts';
import { report } from '#stages/report/index.ts';
import { calibrate } from '#stages/soft-label/calibrate.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { configAsYaml, type LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';
import { ConfigError } from './config-sources.ts';
import { createInstance, type InputReference, inOrder, type StageInstance } from './graph.ts';
import { withPins } from './pinned.ts';
import { type TeacherFiles, teacherFiles } from './teacher-files.ts';
import { checkVariant, exportedVariant, variantOrder } from './variants.ts';

type Variant = DecantConfig['variants'][string];

/**
 * The graph of a configuration: every stage instance with its settings, files and inputs, in an
 * order in which inputs come before their users. `tombstones` is the store's file of forgotten rows.
 */
export function graphOf(loaded: LoadedConfig, tombstones?: string): StageInstance[] {
  const { config, folder } = loaded;
  const files = teacherFiles(resolve(folder, config.teacher.model));
  const order = variantOrder(loaded);
  const needsRelabel = order.some((name) => config.variants[name]?.labels === 'hard-relabel');
  const relabel = needsRelabel ? [hardRelabelInstance(loaded)] : [];
  const trained = order.map((name) => trainInstance(loaded, name));
  const exported = exportedVariant(config, order);
  const evaluations = [
    evaluateTeacher(config, files),
    ...order.map((name) => evaluateStudent(config, name)),
  ];
  const instances = [
    prepareInstance(loaded, files, tombstones),
    softLabelInstance(config, files),
    ...trained,
    ...relabel,
    ...evaluations,
    exportInstance(config, exported),
    reportInstance(loaded, order, exported, needsRelabel),
  ];
  return inOrder(withPins(loaded, instances));
}

function prepareInstance(
  { config, folder }: LoadedConfig,
  teacher: TeacherFiles,
  tombstones: string | undefined,
): StageInstance {
  const { corpus, student } = config;
  const paths = (value: string | readonly string[]) =>
    [value].flat().map((path) => resolve(folder, path));
  const fraction = isFraction(corpus.validation) ? corpus.validation.fraction : undefined;
  return createInstance('prepare', prepare, {
    config: {
      columns: corpus.columns,
      onConflict: corpus.onConflict,
      leaks: corpus.leaks,
      maxRejects: corpus.maxRejects,
      classNames: corpus.classNames,
      limit: corpus.limit,
      validationFraction: fraction,
      seed: config.seed,
      teacherMaxLength: config.teacher.maxLength,
      studentMaxLength: student.maxLength ?? config.teacher.maxLength,
      studentVocabulary: student.vocabulary,
      // Left out where it changes nothing, so that artifacts of before it stay fresh.
      storeTexts: config.privacy.storeTexts ? undefined : false,
    },
    files: {
      train: paths(corpus.train),
      validation: isFraction(corpus.validation) ? [] : paths(corpus.validation),
      test: paths(corpus.test),
      teacherTokenizer: [teacher.tokenizer],
      teacherConfig: [teacher.config],
      teacherTokenizerConfig: teacher.tokenizerConfig,
      teacherSpecialTokens: teacher.specialTokens,
      ...(corpus.corrections === undefined ? {} : { corrections: paths(corpus.corrections) }),
    },
    ...(tombstones === undefined ? {} : { optionalFiles: { tombstones } }),
    inputs: {},
  });
}

function softLabelInstance(config: DecantConfig, teacher: TeacherFiles): StageInstance {
  return createInstance('soft-label', softLabel, {
    config: {
      ...config['soft-label'],
      maxLength: config.teacher.maxLength,
      device: config.device,
      threads: config.threads,
    },
    files: { model: teacher.model, modelConfig: [teacher.config], tokenizer: [teacher.tokenizer] },
    inputs: {
      ...perSplit(SPLITS, 'prepare', 'inputs'),
      ...perSplit(SPLITS, 'prepare', 'tokens/teacher'),
      classes: { instance: 'prepare', output: 'classes' },
    },
  });
}

/** Times the teacher on what soft-label would give it. */
export function calibrationInstance(loaded: LoadedConfig, seconds: number): StageInstance {
  const { config, folder } = loaded;
  const files = teacherFiles(resolve(folder, config.teacher.model));
  const like = softLabelInstance(config, files);
  return createInstance('calibrate', calibrate, { ...like, config: { ...like.config, seconds } });
}

function trainInstance({ config }: LoadedConfig, name: string): StageInstance {
  const { initFrom, labels, ...own } = config.variants[name] ?? ({} as Variant);
  const { vocabulary: _ofPrepare, ...shared } = config.student;
  // A variant that learns from gold labels alone does not become stale with the teacher's words.
  const learnsFromTeacher = (own.softLossWeight ?? shared.softLossWeight ?? 1) > 0;
  return createInstance(`train-student:${name}`, trainStudent, {
    config: { seed: config.seed, ...shared, ...own, device: config.device },
    files: {},
    inputs: {
      ...perSplit(['train', 'validation'], 'prepare', 'tokens/student'),
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      ...perSplit(
        learnsFromTeacher ? ['train', 'validation'] : ['validation'],
        'soft-label',
        'rows',
      ),
      'tokenizer/student': { instance: 'prepare', output: 'tokenizer/student' },
      classes: { instance: 'prepare', output: 'classes' },
      ...(labels === undefined
        ? {}
        : { hardLabels: { instance: 'hard-relabel', output: 'hard-labels' } }),
      ...(initFrom === undefined
        ? {}
        : { initFrom: { instance: `train-student:${initFrom}`, output: 'student' } }),
    },
  });
}

function hardRelabelInstance(loaded: LoadedConfig): StageInstance {
  const settings = loaded.config['hard-relabel'];
  if (settings === undefined) {
    const problem = 'is missing, but a variant has labels: hard-relabel';
    throw new ConfigError(loaded.file, [{ path: 'hard-relabel', problem }]);
  }
  const { student, ...config } = settings;
  checkVariant(loaded, student, 'hard-relabel.student');
  return createInstance('hard-relabel', hardRelabel, {
    config,
    files: {},
    inputs: {
      ...perSplit(['train', 'validation'], 'soft-label', 'rows'),
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      predictions: { instance: `train-student:${student}`, output: 'predictions' },
      classes: { instance: 'prepare', output: 'classes' },
    },
  });
}

function evaluateTeacher(config: DecantConfig, teacher: TeacherFiles): StageInstance {
  return createInstance('evaluate:teacher', evaluate, {
    config: { subject: 'teacher', name: 'teacher', device: config.device, threads: config.threads },
    files: { model: teacher.model },
    inputs: testInputs('tokens/teacher'),
  });
}

function evaluateStudent(config: DecantConfig, name: string): StageInstance {
  return createInstance(`evaluate:${name}`, evaluate, {
    config: { subject: 'student', name, threads: config.threads },
    files: {},
    inputs: {
      ...testInputs('tokens/student'),
      student: { instance: `train-student:${name}`, output: 'student' },
    },
  });
}

function testInputs(tokens: string): Record<string, InputReference> {
  return {
    ...perSplit(['test'], 'prepare', tokens),
    ...perSplit(['test'], 'soft-label', 'rows'),
    ...perSplit(['test'], 'prepare', 'labels'),
    classes: { instance: 'prepare', output: 'classes' },
  };
}

function exportInstance(config: DecantConfig, name: string): StageInstance {
  return createInstance(`export-student:${name}`, exportStudent, {
    config: { name, teacherLicense: config.teacher.license, corpusLicense: config.corpus.license },
    files: {},
    inputs: {
      student: { instance: `train-student:${name}`, output: 'student' },
      metrics: { instance: `evaluate:${name}`, output: 'metrics' },
      classes: { instance: 'prepare', output: 'classes' },
      ...perSplit(['validation'], 'prepare', 'tokens/student'),
      ...perSplit(['validation'], 'prepare', 'labels'),
    },
  });
}

function reportInstance(
  loaded: LoadedConfig,
  order: readonly string[],
  exported: string,
  hasRelabel: boolean,
): StageInstance {
  const who = ['teacher', ...order];
  const of = (stage: string, output: string, names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [`${output}.${name}`, { instance: `${stage}:${name}`, output }]),
    );
  return createInstance('report', report, {
    config: {
      ...loaded.config.report,
      variants: order,
      exported,
      resolvedConfig: configAsYaml(loaded, { origins: false }),
      command: 'npx decant run',
    },
    files: {},
    inputs: {
      ...of('evaluate', 'metrics', who),
      ...of('evaluate', 'predictions', [exported]),
      ...of('train-student', 'log', order),
      ...perSplit(['train'], 'soft-label', 'rows'),
      ...perSplit(SPLITS, 'prepare', 'inputs'),
      ...perSplit(SPLITS, 'prepare', 'labels'),
      ...perSplit(SPLITS, 'prepare', 'tokens/teacher'),
      rejects: { instance: 'prepare', output: 'rejects' },
      classes: { instance: 'prepare', output: 'classes' },
      ...(hasRelabel ? { 'hard-labels': { instance: 'hard-relabel', output: 'hard-labels' } } : {}),
    },
  });
}

function perSplit(
  splits: readonly Split[],
  from: string,
  output: string,
): Record<string, InputReference> {
  return Object.fromEntries(
    splits.map((split) => [`${output}/${split}`, { instance: from, output: `${output}/${split}` }]),
  );
}

function isFraction(value: unknown): value is { readonly fraction: number } {
  return typeof value === 'object' && value !== null && 'fraction' in value;
}
