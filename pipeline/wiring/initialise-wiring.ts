import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import {
  requireTokenizer,
  TeacherFileError,
  teacherFiles,
} from '#pipeline/teachers/teacher-files.ts';
import type { MainTeacher } from '#pipeline/teachers/teachers.ts';
import { readsTensorsAlone } from '#stages/students/hugging-face-config.ts';
import type { StageInstance } from './graph.ts';

/** What a variant's instance is given so that it can start from another model. */
export interface InitialiseParts {
  readonly initialise: unknown;
  readonly files: StageInstance['files'];
}

/**
 * Files of the model that a variant takes its first weights from. Its place is no part of the settings that
 * are fingerprinted: the files' content decides. A variant that starts from another variant starts from nothing else.
 */
export function initialiseParts(
  loaded: LoadedConfig,
  main: MainTeacher,
  name: string,
): InitialiseParts {
  const { config, file, folder } = loaded;
  const variant = config.variants[name];
  const place = variant?.initialise === undefined ? 'student' : `variants.${name}`;
  if (variant?.initFrom !== undefined) {
    if (variant.initialise === undefined) return NOTHING;
    const problem = `it starts from the variant "${variant.initFrom}" already`;
    throw new ConfigError(file, [{ path: `${place}.initialise`, problem }]);
  }
  const settings = variant?.initialise ?? config.student.initialise;
  if (settings === undefined || settings === 'random') return NOTHING;
  const path = `${place}.initialise.from`;
  if (settings.from !== 'teacher') {
    const files = modelFiles(resolve(folder, settings.from), path);
    return { initialise: { ...settings, from: 'checkpoint' }, files };
  }
  if (main.source.type === 'answers') {
    throw new ConfigError(file, [{ path, problem: 'answers have no weights: name a folder' }]);
  }
  return { initialise: settings, files: modelFiles(main.source.files.place, path) };
}

/** Safetensors where there are any: they have the names that a graph has lost. */
function modelFiles(path: string, setting: string): StageInstance['files'] {
  const folder = existsSync(path) && !statSync(path).isDirectory() ? dirname(path) : path;
  const weights = safetensorsIn(folder);
  if (weights.length === 0 || folder !== path) {
    const files = teacherFiles(path, setting);
    return {
      initialiseConfig: [files.config],
      initialiseWeights: files.model,
      initialiseTokenizer: [requireTokenizer(files)],
    };
  }
  const required = (name: string) => {
    const found = join(folder, name);
    if (existsSync(found)) return [found];
    const fix = `copy the ${name} of the model beside it; npx decant teacher add makes tokenizer.json from a vocabulary`;
    throw new TeacherFileError(folder, `has no ${name}`, fix);
  };
  const config = required('config.json');
  return {
    initialiseConfig: config,
    initialiseWeights: weights,
    ...(!config.some(isOfTensors) && { initialiseTokenizer: required('tokenizer.json') }),
  };
}

/** Whether the model of this config.json reads no text. */
function isOfTensors(config: string): boolean {
  const { model_type } = typeSchema.parse(JSON.parse(readFileSync(config, 'utf8')));
  return model_type !== undefined && readsTensorsAlone(model_type);
}

/** model.safetensors, or the files that large models are saved in. */
function safetensorsIn(folder: string): string[] {
  const whole = join(folder, 'model.safetensors');
  if (existsSync(whole)) return [whole];
  const index = join(folder, 'model.safetensors.index.json');
  if (!existsSync(index)) return [];
  const { weight_map } = indexSchema.parse(JSON.parse(readFileSync(index, 'utf8')));
  return [...new Set(Object.values(weight_map))].sort().map((name) => join(folder, name));
}

const typeSchema = z.looseObject({ model_type: z.string().optional() });

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[^/\\]+$/)) });

const NOTHING: InitialiseParts = { initialise: undefined, files: {} };
