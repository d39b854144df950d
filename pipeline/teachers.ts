import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { canonicalJson } from '#cache/fingerprint.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { parseTokenizerJson, withMaxLength } from '#datasets/tokenizer-json.ts';
import { classNamesIn } from '#stages/onnx/class-names.ts';
import type { LoadedConfig } from './config.ts';
import { ConfigError } from './config-sources.ts';
import { requireTokenizer, type TeacherFiles, teacherFiles } from './teacher-files.ts';

/** A model of the configuration that is asked once: `teacher`, or one of `teachers`. */
export interface Teacher {
  readonly name: string;
  readonly files: TeacherFiles;
  /** How much it counts in a mix. */
  readonly weight: number;
}

/** Name of the teacher that decides tokenizer, classes and agreement. */
export const MAIN_TEACHER = 'teacher';

/** All teachers, the main one first; refuses further ones that cannot stand beside it. */
export function teachersOf(loaded: LoadedConfig): [Teacher, ...Teacher[]] {
  const { config, folder } = loaded;
  const { model, weight = 1 } = config.teacher;
  const main = { name: MAIN_TEACHER, files: teacherFiles(resolve(folder, model)), weight };
  const further = Object.entries(config.teachers ?? {}).map(([name, one]): Teacher => {
    const files = teacherFiles(resolve(folder, one.model), `teachers.${name}.model`);
    return { name, files, weight: one.weight ?? 1 };
  });
  const problems = further.flatMap(({ name, files }) => {
    const found = problemOf(loaded, name, files, main.files);
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

/** Names of all teachers, the main one first. */
export function teacherNames({ loaded }: { readonly loaded: LoadedConfig }): string[] {
  return [MAIN_TEACHER, ...Object.keys(loaded.config.teachers ?? {})];
}

/** Name of the instance that keeps what a teacher says. */
export function softLabelName(teacher: string): string {
  return teacher === MAIN_TEACHER ? 'soft-label' : `soft-label:${teacher}`;
}

function problemOf(
  { config }: LoadedConfig,
  name: string,
  files: TeacherFiles,
  main: TeacherFiles,
): { readonly path: string; readonly problem: string } | undefined {
  const path = `teachers.${name}`;
  if (Object.hasOwn(config.variants, name)) {
    return { path, problem: 'a variant has this name too; give the teacher another one' };
  }
  const readsText = config.corpus.columns.text !== null;
  if (readsText && !isSameTokenizer(requireTokenizer(files), requireTokenizer(main))) {
    const problem = `its tokenizer.json differs from that of teacher.model: a further teacher reads the tokens of the first one, so give one that was made from the same base model (${files.tokenizer})`;
    return { path: `${path}.model`, problem };
  }
  const problem = classProblem(files, main, config.corpus.classNames);
  return problem === undefined
    ? undefined
    : { path: `${path}.model`, problem: `${problem} (${files.config})` };
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
  files: TeacherFiles,
  main: TeacherFiles,
  configured: readonly string[] | undefined,
): string | undefined {
  const [names, mainNames] = [classNamesIn(files.config), classNamesIn(main.config)];
  if (names === undefined) {
    if (mainNames === undefined) return undefined;
    return 'its classes have numbers only, those of teacher.model have names: write id2label into its config.json, in the order of its outputs';
  }
  const expected = mainNames ?? configured;
  if (expected === undefined) {
    return 'its classes have names, those of teacher.model numbers only: set corpus.classNames';
  }
  const unknown = names.find((name) => !expected.includes(name));
  if (unknown !== undefined) return `its class "${unknown}" is none of teacher.model`;
  const missing = expected.find((name) => !names.includes(name));
  return missing === undefined ? undefined : `it has no class "${missing}", teacher.model has`;
}
