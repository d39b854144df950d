import { SPLITS } from '#datasets/example.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { exportStudent } from '#stages/export-student/index.ts';
import { operatingPoint } from '#stages/operating-point/index.ts';
import { report } from '#stages/report/index.ts';
import { candidatesOf, studentInstance } from './auto-student.ts';
import { configAsYaml, type LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';
import { deviceSettings } from './device.ts';
import { createInstance, type InputReference, perSplit, type StageInstance } from './graph.ts';

import { taskSetting } from './task-limits.ts';
import { fitHeadName, MAIN_TEACHER, softLabelName, type Teacher } from './teachers.ts';
import { tensorInputs } from './tensor-wiring.ts';

/** Measures a teacher by what its cache says. */
export function evaluateTeacher(
  config: DecantConfig,
  { name, source, output }: Teacher,
): StageInstance {
  const isFitted = source.type === 'embeddings';
  return createInstance(`evaluate:${name}`, evaluate, {
    config: {
      subject: 'teacher',
      name,
      task: taskSetting(config),
      slices: config.evaluate?.slices,
      output,
      ...deviceSettings(config),
      threads: config.threads,
    },
    files: source.type === 'model' ? { model: source.files.model } : {},
    inputs: {
      ...testInputs(config, 'tokens/teacher', softLabelName(name)),
      ...(isFitted ? { teacher: { instance: fitHeadName(name), output: 'teacher' } } : {}),
    },
  });
}

/** Name of a student with int8 weights in tables and stages; no variant can have it. */
export function int8Name(name: string): string {
  return `${name}.int8`;
}

/** Measures a student by its exported graph; `quantize`: by the one with int8 weights. One that is exported may abstain. */
export function evaluateStudent(
  config: DecantConfig,
  name: string,
  { isExported, quantize }: { readonly isExported: boolean; readonly quantize?: 'int8' },
): StageInstance {
  const shown = quantize === undefined ? name : int8Name(name);
  const robustness = config.evaluate?.robustness;
  return createInstance(`evaluate:${shown}`, evaluate, {
    config: {
      subject: 'student',
      name: shown,
      task: taskSetting(config),
      threads: config.threads,
      quantize,
      slices: config.evaluate?.slices,
      robustness,
      seed: robustness && config.seed,
    },
    files: {},
    inputs: {
      ...testInputs(config, 'tokens/student', 'soft-label'),
      ...(robustness && perSplit(['test'], 'prepare', 'inputs')),
      student: { instance: studentInstance(config, name), output: 'student' },
      ...(isExported ? operatingPointInput(config, name) : {}),
    },
  });
}

/** When the exported student is sure enough; none where there is no goal. */
export function operatingPointInstances(config: DecantConfig, exported: string): StageInstance[] {
  const { goal } = config.export;
  if (goal === undefined) return [];
  const instance = createInstance(`operating-point:${exported}`, operatingPoint, {
    config: { goal },
    files: {},
    inputs: {
      predictions: { instance: studentInstance(config, exported), output: 'predictions' },
      ...perSplit(['validation'], 'prepare', 'labels'),
      classes: { instance: 'prepare', output: 'classes' },
    },
  });
  return [instance];
}

/** When the exported student is sure enough; empty where there is no goal. */
function operatingPointInput(
  { export: { goal } }: DecantConfig,
  exported: string,
): Record<string, InputReference> {
  const output = 'operating-point';
  return goal === undefined ? {} : { [output]: { instance: `${output}:${exported}`, output } };
}

function testInputs(
  config: DecantConfig,
  tokens: string,
  softLabels: string,
): Record<string, InputReference> {
  return {
    ...tensorInputs(config, ['test']),
    ...perSplit(['test'], 'prepare', tokens),
    ...perSplit(['test'], softLabels, 'rows'),
    ...perSplit(['test'], 'prepare', 'labels'),
    classes: { instance: 'prepare', output: 'classes' },
  };
}

/** Makes a Hugging Face directory of a student. */
export function exportInstance(
  config: DecantConfig,
  [main, ...further]: readonly Teacher[],
  name: string,
): StageInstance {
  return createInstance(`export-student:${name}`, exportStudent, {
    config: {
      name,
      teacherLicense: main?.license,
      // Left out where there is one teacher, so that its students stay fresh.
      furtherLicenses: further.length === 0 ? undefined : licensesByName(further),
      quantize: config.export.quantize,
      corpusLicense: config.corpus.license,
      startsFrom: config.variants[name]?.initFrom,
    },
    files: {},
    inputs: {
      student: { instance: studentInstance(config, name), output: 'student' },
      metrics: { instance: `evaluate:${name}`, output: 'metrics' },
      ...(hasInt8(config)
        ? { 'metrics/int8': { instance: `evaluate:${int8Name(name)}`, output: 'metrics' } }
        : {}),
      classes: { instance: 'prepare', output: 'classes' },
      ...operatingPointInput(config, name),
      ...perSplit(['validation'], 'prepare', 'tokens/student'),
      ...perSplit(['validation'], 'prepare', 'labels'),
      ...tensorInputs(config, ['validation']),
    },
  });
}

/** Which student was taken for each `auto` variant. */
function choicesOf(config: DecantConfig, order: readonly string[]): Record<string, InputReference> {
  const chosen = order.filter((name) => candidatesOf(config, name).length > 0);
  return Object.fromEntries(
    chosen.map((name) => [
      `choice.${name}`,
      { instance: `choose-student:${name}`, output: 'choice' },
    ]),
  );
}

/** Does the export hold a file with int8 weights? */
export function hasInt8({ export: { quantize = [] } }: DecantConfig): boolean {
  return quantize.includes('int8');
}

/** What the report tells of licences; left out where none is known, so that earlier reports stay fresh. */
function licensesOf({ corpus }: DecantConfig, teachers: readonly Teacher[]) {
  const known = teachers.flatMap(({ name, license }) =>
    license === undefined ? [] : [{ of: name, license }],
  );
  const all =
    corpus.license === undefined ? known : [...known, { of: 'corpus', license: corpus.license }];
  return all.length === 0 ? undefined : all;
}

/** An empty name is a licence that nobody has stated. */
function licensesByName(teachers: readonly Teacher[]): Record<string, string> {
  return Object.fromEntries(teachers.map(({ name, license = '' }) => [name, license]));
}

/** Puts all of it on one page. */
export function reportInstance(
  loaded: LoadedConfig,
  parts: {
    readonly teachers: readonly Teacher[];
    readonly order: readonly string[];
    /** Instances that put the students of several seeds together. */
    readonly spreads: readonly string[];
    readonly exported: string;
    /** The variant that no teacher reaches. */
    readonly baseline: string | undefined;
    readonly needsRelabel: boolean;
  },
): StageInstance {
  const { exported, needsRelabel } = parts;
  const int8 = hasInt8(loaded.config) ? [int8Name(exported)] : [];
  const order = [...parts.order, ...int8];
  const baseline = parts.baseline === undefined ? [] : [parts.baseline];
  const further = parts.teachers.slice(1).map(({ name }) => name);
  const who = [MAIN_TEACHER, ...further, ...order];
  const of = (stage: string, output: string, names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => [`${output}.${name}`, { instance: `${stage}:${name}`, output }]),
    );
  return createInstance('report', report, {
    config: {
      ...loaded.config.report,
      teachers: further.length === 0 ? undefined : further,
      variants: order,
      exported,
      baseline: parts.baseline,
      licenses: licensesOf(loaded.config, parts.teachers),
      // What `decant sweep` tries is nothing that a report is made from.
      resolvedConfig: configAsYaml(
        { ...loaded, config: { ...loaded.config, sweep: undefined } },
        { origins: false },
      ),
      command: 'npx decant run',
    },
    files: {},
    inputs: {
      ...of('evaluate', 'metrics', who),
      ...of('evaluate', 'predictions', [...new Set([exported, ...baseline, MAIN_TEACHER])]),
      ...Object.fromEntries(
        parts.order.map((name) => [
          `log.${name}`,
          { instance: studentInstance(loaded.config, name), output: 'log' },
        ]),
      ),
      ...Object.fromEntries(
        parts.spreads.map((instance) => [
          instance.replace(/^seed-spread:/, 'spread.'),
          { instance, output: 'spread' },
        ]),
      ),
      ...choicesOf(loaded.config, parts.order),
      ...operatingPointInput(loaded.config, exported),
      ...(hasInt8(loaded.config)
        ? { student: { instance: `export-student:${exported}`, output: 'student' } }
        : {}),
      ...perSplit(['train'], 'soft-label', 'rows'),
      ...perSplit(SPLITS, 'prepare', 'inputs'),
      ...perSplit(SPLITS, 'prepare', 'labels'),
      ...perSplit(SPLITS, 'prepare', 'tokens/teacher'),
      rejects: { instance: 'prepare', output: 'rejects' },
      classes: { instance: 'prepare', output: 'classes' },
      ...(needsRelabel
        ? { 'hard-labels': { instance: 'hard-relabel', output: 'hard-labels' } }
        : {}),
    },
  });
}
