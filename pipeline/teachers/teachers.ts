import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { canonicalJson } from '#cache/fingerprint.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { isValueTask, type Task } from '#datasets/task.ts';
import { parseTokenizerJson, withMaxLength } from '#datasets/tokens/tokenizer-json.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { ConfigError, type ConfigProblem } from '#pipeline/config/config-sources.ts';
import { readingProblem } from '#pipeline/limits/reading-limits.ts';
import { classNamesIn } from '#stages/onnx/class-names.ts';
import { requireTokenizer } from './teacher-files.ts';
import { licenseBeside } from './teacher-license.ts';
import {
  namedTokenizer,
  type TeacherSource,
  type TokenizerFiles,
  teacherSource,
} from './teacher-source.ts';

/** Somebody of the configuration who is asked once: `teacher`, or one of `teachers`. */
export interface Teacher {
  readonly name: string;
  readonly source: TeacherSource;
  /** How much it counts in a mix. */
  readonly weight: number;
  /** As the settings name it, or else a file beside the model. */
  readonly license: string | undefined;
  /** Output of its graph with the logits; found by name or place where left out. */
  readonly output: string | undefined;
  /** Tensors of its graph that are kept as features. */
  readonly hidden: readonly string[] | undefined;
}

/** The teacher that decides how texts become tokens. */
export interface MainTeacher extends Teacher {
  readonly tokenizer: TokenizerFiles;
}

/** Name of the teacher that decides tokenizer, classes and agreement. */
export const MAIN_TEACHER = 'teacher';

/** All teachers, the main one first; refuses further ones that cannot stand beside it. */
export function teachersOf(loaded: LoadedConfig): [MainTeacher, ...Teacher[]] {
  const { config, folder } = loaded;
  const main = mainTeacher(loaded);
  const further = Object.entries(config.teachers ?? {}).map(([name, one]): Teacher => {
    const source = teacherSource(folder, `teachers.${name}`, one);
    return {
      name,
      source,
      weight: one.weight ?? 1,
      license: licenseOf(source, one.license),
      output: one.output,
      hidden: hiddenOf(source, one.hidden ?? config['soft-label'].hidden),
    };
  });
  const problems = [main, ...further].flatMap((teacher) => {
    const found =
      unansweredTask(config, teacher) ??
      readingProblem(config, teacher.source) ??
      problemOf(loaded, teacher, main);
    return found === undefined ? [] : [found];
  });
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
  return [main, ...further];
}

/** The teachers that a variant learns from: those that it names, else all. */
export function teachersOfVariant(
  loaded: LoadedConfig,
  teachers: readonly Teacher[],
  variant: string,
): readonly Teacher[] {
  const chosen = loaded.config.variants[variant]?.teachers;
  if (chosen === undefined) return teachers;
  const known = teachers.map(({ name }) => name);
  const unknown = chosen.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const problems = unknown.map((name) => ({
      path: `variants.${variant}.teachers`,
      problem: `there is no teacher "${name}"; ${hintFor(name, known)}`,
    }));
    throw new ConfigError(loaded.file, problems);
  }
  return teachers.filter(({ name }) => chosen.includes(name));
}

/** Names of all teachers, the main one first; that of a head goes by the head's name. */
export function teacherNames({ loaded: { config } }: { readonly loaded: LoadedConfig }): string[] {
  const { teachers = {}, heads = {} } = config;
  return [MAIN_TEACHER, ...Object.keys(teachers), ...Object.keys(heads)];
}

/** Name of the instance that keeps what a teacher says. */
export function softLabelName(teacher: string): string {
  return teacher === MAIN_TEACHER ? 'soft-label' : `soft-label:${teacher}`;
}

/** Name under which a cache keeps what a teacher says of the views of train rows. No teacher has a dot in its name. */
export function viewsName(teacher: string): string {
  return `${teacher}.views`;
}

/** Names of all caches: those of the teachers, and of what they say of views. */
export function cacheNames(project: { readonly loaded: LoadedConfig }): string[] {
  const names = teacherNames(project);
  const hasViews = project.loaded.config.augmentations !== undefined;
  return hasViews ? [...names, ...names.map(viewsName)] : names;
}

/** Name of the instance that gives a sentence encoder its head. */
export function fitHeadName(teacher: string): string {
  return teacher === MAIN_TEACHER ? 'fit-head' : `fit-head:${teacher}`;
}

function mainTeacher({ config, folder }: LoadedConfig): MainTeacher {
  const { weight = 1, tokenizer, license } = config.teacher;
  const source = teacherSource(folder, 'teacher', config.teacher);
  const files =
    source.type === 'answers' ? namedTokenizer(resolve(folder, tokenizer ?? '')) : source.files;
  return {
    name: MAIN_TEACHER,
    source,
    tokenizer: files,
    weight,
    license: licenseOf(source, license),
    output: config.teacher.output,
    hidden: config['soft-label'].hidden,
  };
}

/** Answers in files have no graph, beside those that have one: theirs are kept. */
function hiddenOf(
  source: TeacherSource,
  wanted: readonly string[] | undefined,
): readonly string[] | undefined {
  return source.type === 'answers' || wanted?.length === 0 ? undefined : wanted;
}

/** As the settings tell it, or else what stands beside the model. */
export function licenseOf(source: TeacherSource, told: string | undefined): string | undefined {
  if (told !== undefined || source.type === 'answers') return told;
  return licenseBeside(source.files.config)?.name;
}

/**
 * A head is fitted to classes of which one is right; who answers in files says nothing of single words or tokens.
 * Undefined where this teacher can answer the task.
 */
export function taskProblem(task: Task, source: TeacherSource): string | undefined {
  if (source.type === 'model' || task === 'classification') return undefined;
  if (source.type === 'answers' && isValueTask(task)) return undefined;
  const tasks =
    source.type === 'answers' ? 'classification, multi-label or regression' : 'classification';
  return `is for task: ${tasks}; name a teacher of ${task} by model`;
}

function unansweredTask(
  { task }: DecantConfig,
  { name, source }: Teacher,
): ConfigProblem | undefined {
  const problem = taskProblem(task, source);
  const place = name === MAIN_TEACHER ? name : `teachers.${name}`;
  return problem === undefined ? undefined : { path: `${place}.${source.type}`, problem };
}

function problemOf(
  { config }: LoadedConfig,
  { name, source }: Teacher,
  main: MainTeacher,
): ConfigProblem | undefined {
  if (name === MAIN_TEACHER) return undefined;
  const path = `teachers.${name}`;
  if (Object.hasOwn(config.variants, name)) {
    return { path, problem: 'a variant has this name too; give the teacher another one' };
  }
  // Answers are looked up by example and by class name: stage one checks them row by row.
  if (source.type === 'answers') return undefined;
  const { config: ownConfig } = source.files;
  const readsText = config.corpus.columns.text !== null;
  const unlike = readsText ? tokenizerProblem(source, main) : undefined;
  if (unlike !== undefined) return { path: `${path}.${source.type}`, problem: unlike };
  if (source.type === 'embeddings') return undefined;
  const problem = classProblem(ownConfig, main.source, config.corpus.classNames);
  return problem === undefined
    ? undefined
    : { path: `${path}.model`, problem: `${problem} (${ownConfig})` };
}

/** A further teacher that is a model reads the tokens of the first one. */
export function tokenizerProblem(source: TeacherSource, main: MainTeacher): string | undefined {
  if (source.type === 'answers') return undefined;
  const own = requireTokenizer(source.files);
  if (isSameTokenizer(own, requireTokenizer(main.tokenizer))) return undefined;
  return `its tokenizer.json differs from that of the first teacher: a further teacher reads the tokens of the first one, so give one that was made from the same base model (${own})`;
}

/** Byte by byte, or but for what the last call of a fast tokenizer left in the file. */
function isSameTokenizer(path: string, other: string): boolean {
  const [bytes, others] = [readFileSync(path), readFileSync(other)];
  if (bytes.equals(others)) return true;
  const [own, expected] = [[bytes, path] as const, [others, other] as const].map(([text, place]) =>
    canonicalJson(withMaxLength(parseTokenizerJson(text.toString('utf8'), place), 1)),
  );
  return own === expected;
}

/** The same names in any order are right; numbers are only where the first teacher has none but numbers. */
function classProblem(
  ownConfig: string,
  main: TeacherSource,
  configured: readonly string[] | undefined,
): string | undefined {
  const names = classNamesIn(ownConfig);
  // Classes of answers are known when they are read, and of embeddings are those of the run.
  const isModel = main.type === 'model';
  const mainNames = isModel ? classNamesIn(main.files.config) : configured;
  if (names === undefined) {
    if (mainNames === undefined) return undefined;
    return 'its classes have numbers only, those of teacher.model have names: write id2label into its config.json, in the order of its outputs';
  }
  const expected = mainNames ?? configured;
  if (expected === undefined && !isModel) return undefined;
  if (expected === undefined) {
    return 'its classes have names, those of teacher.model numbers only: set corpus.classNames';
  }
  const unknown = names.find((name) => !expected.includes(name));
  if (unknown !== undefined) return `its class "${unknown}" is none of teacher.model`;
  const missing = expected.find((name) => !names.includes(name));
  return missing === undefined ? undefined : `it has no class "${missing}", teacher.model has`;
}
