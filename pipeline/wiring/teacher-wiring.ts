import { SPLITS } from '#datasets/example.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { deviceSettings } from '#pipeline/config/device.ts';
import { taskSetting } from '#pipeline/limits/task-limits.ts';
import { requireTokenizer, type TeacherFiles } from '#pipeline/teachers/teacher-files.ts';
import {
  fitHeadName,
  type MainTeacher,
  softLabelName,
  type Teacher,
} from '#pipeline/teachers/teachers.ts';
import { fitHead } from '#stages/fit-head/index.ts';
import { calibrate } from '#stages/soft-label/calibrate.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { createInstance, perSplit, type StageInstance } from './graph.ts';

/** Further teachers read the tokens of the main one. */
export function softLabelInstance(
  config: DecantConfig,
  { name, source, license, output, hidden }: Teacher,
  main: MainTeacher,
): StageInstance {
  const { text, textPair, id } = config.corpus.columns;
  const isFitted = source.type === 'embeddings';
  return createInstance(softLabelName(name), softLabel, {
    config: {
      ...config['soft-label'],
      task: taskSetting(config),
      output,
      hidden,
      maxLength: config.teacher.maxLength,
      ...deviceSettings(config),
      strict: config.strict,
      threads: config.threads,
      licenses: licensesOf(license, config.corpus.license),
      answers:
        source.type === 'answers'
          ? {
              ...source.settings,
              columns: { text: text ?? 'text', textPair, id },
              separator: config.corpus.separator,
            }
          : undefined,
    },
    files: {
      ...(source.type === 'answers' ? { answers: source.paths } : modelFiles(source.files)),
      ...(text !== null && { tokenizer: [requireTokenizer(main.tokenizer)] }),
    },
    inputs: {
      ...perSplit(SPLITS, 'prepare', 'inputs'),
      ...perSplit(SPLITS, 'prepare', 'tokens/teacher'),
      classes: { instance: 'prepare', output: 'classes' },
      ...(isFitted ? { teacher: { instance: fitHeadName(name), output: 'teacher' } } : {}),
    },
  });
}

function licensesOf(teacher: string | undefined, corpus: string | undefined) {
  return teacher === undefined && corpus === undefined ? undefined : { teacher, corpus };
}

function modelFiles({ model, config }: TeacherFiles) {
  return { model, modelConfig: [config] };
}

/** A sentence encoder gets a head, fitted on gold labels of train and validation, and is a teacher then. */
export function fitHeadInstance(config: DecantConfig, { name, source }: Teacher): StageInstance[] {
  if (source.type !== 'embeddings') return [];
  const { pooling } = source.files;
  const instance = createInstance(fitHeadName(name), fitHead, {
    config: { ...deviceSettings(config), threads: config.threads },
    files: { ...modelFiles(source.files), ...(pooling.length > 0 ? { pooling } : {}) },
    inputs: {
      ...perSplit(['train', 'validation'], 'prepare', 'tokens/teacher'),
      ...perSplit(['train', 'validation'], 'prepare', 'labels'),
      classes: { instance: 'prepare', output: 'classes' },
    },
  });
  return [instance];
}

/** Times a teacher on what its instance of soft-label would give it. */
export function calibrationInstance(
  like: StageInstance,
  teacher: string,
  seconds: number,
): StageInstance {
  return createInstance(`calibrate:${teacher}`, calibrate, {
    ...like,
    config: { ...like.config, seconds },
  });
}
