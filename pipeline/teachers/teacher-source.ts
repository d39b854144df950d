import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { TeacherFileError, type TeacherFiles, teacherFiles } from './teacher-files.ts';
import type { TeacherSettings } from './teacher-settings.ts';

/** Who a teacher is. */
export type TeacherSource =
  | { readonly type: 'model'; readonly files: TeacherFiles }
  | {
      readonly type: 'answers';
      readonly paths: readonly string[];
      readonly settings: Pick<TeacherSettings, 'smoothing' | 'missing'>;
    }
  /** A sentence encoder that is given a head. */
  | { readonly type: 'embeddings'; readonly files: TeacherFiles };

/** How texts become tokens. */
export type TokenizerFiles = Pick<
  TeacherFiles,
  'place' | 'tokenizer' | 'tokenizerConfig' | 'specialTokens'
>;

/** What the settings name, with its files. `path` is where the settings stand, such as `teachers.big`. */
export function teacherSource(
  folder: string,
  path: string,
  settings: TeacherSettings,
): TeacherSource {
  const { model, answers, embeddings, smoothing, missing } = settings;
  const filesOf = (key: 'model' | 'embeddings', value: string) =>
    teacherFiles(resolve(folder, value), `${path}.${key}`);
  if (model !== undefined) return { type: 'model', files: filesOf('model', model) };
  if (embeddings !== undefined) {
    return { type: 'embeddings', files: filesOf('embeddings', embeddings) };
  }
  if (answers === undefined) throw new Error(`${path} passed the schema without a source`);
  const paths = [answers].flat().map((file) => resolve(folder, file));
  return { type: 'answers', paths, settings: { smoothing, missing } };
}

/** The tokenizer of `teacher.tokenizer`: a tokenizer.json, or a folder with one. */
export function namedTokenizer(path: string): TokenizerFiles {
  const folder = existsSync(path) && statSync(path).isDirectory() ? path : dirname(path);
  const tokenizer = folder === path ? join(path, 'tokenizer.json') : path;
  if (!existsSync(tokenizer)) {
    throw new TeacherFileError(
      tokenizer,
      'there is no such file',
      'set teacher.tokenizer to a tokenizer.json or to a folder that has one, such as that of any Hugging Face encoder',
    );
  }
  const beside = (name: string) => [join(folder, name)].filter(existsSync);
  return {
    place: path,
    tokenizer,
    tokenizerConfig: beside('tokenizer_config.json'),
    specialTokens: beside('special_tokens_map.json'),
  };
}
