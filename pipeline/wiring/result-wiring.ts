import { studentInstance } from '#pipeline/config/auto-student.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { deviceSettings } from '#pipeline/config/device.ts';
import { taskSetting } from '#pipeline/limits/task-limits.ts';
import { fitHeadName, softLabelName, type Teacher } from '#pipeline/teachers/teachers.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { exportStudent } from '#stages/export-student/index.ts';
import { operatingPoint } from '#stages/operating-point/index.ts';
import { cardSettings } from './card-settings.ts';
import { createInstance, type InputReference, perSplit, type StageInstance } from './graph.ts';
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
export function operatingPointInput(
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
  teachers: readonly Teacher[],
  name: string,
): StageInstance {
  return createInstance(`export-student:${name}`, exportStudent, {
    config: {
      name,
      ...cardSettings(config, teachers),
      quantize: config.export.quantize,
      textPairs: config.corpus.columns.textPair === undefined ? undefined : true,
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
      // Of train they are counted for the card.
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      ...perSplit(['train', 'validation'], 'prepare', 'inputs'),
    },
  });
}

/** Does the export hold a file with int8 weights? */
export function hasInt8({ export: { quantize = [] } }: DecantConfig): boolean {
  return quantize.includes('int8');
}
