import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { LongTexts } from '#datasets/tokens/long-texts.ts';
import {
  parseTokenizerJson,
  type TokenizerJson,
  withMaxLength,
} from '#datasets/tokens/tokenizer-json.ts';
import { TeacherFileError } from './prepare-errors.ts';
import { studentTokenizerConfig } from './tokenizer-config.ts';
import { trimVocabulary } from './trimmed-vocabulary.ts';

/** Tokenizer files of the teacher; the last two are optional. */
export interface TeacherTokenizerFiles {
  readonly tokenizer: string;
  readonly config: string | undefined;
  readonly specialTokens: string | undefined;
}

/** The teacher's tokenizer files among those of the stage. */
export function tokenizerFiles(
  files: Readonly<Record<string, readonly string[]>>,
): TeacherTokenizerFiles {
  const tokenizer = files['teacherTokenizer']?.[0];
  if (tokenizer === undefined) {
    const detail = 'a text cannot be turned into tokens without it';
    throw new TeacherFileError('tokenizer.json', undefined, detail);
  }
  return {
    tokenizer,
    config: files['teacherTokenizerConfig']?.[0],
    specialTokens: files['teacherSpecialTokens']?.[0],
  };
}

/** What the student's tokenizer shall be. */
export interface StudentTokenizerOptions {
  readonly maxLength: number;
  /** Left out: long texts are truncated. */
  readonly longTexts: LongTexts | undefined;
  /** Token ids that the train split uses; null keeps the whole vocabulary. */
  readonly usedIds: ReadonlySet<number> | null;
}

/** How many tokens the student and the teacher know. */
export interface VocabularySizes {
  readonly student: number;
  readonly teacher: number;
}

/** Writes the student's tokenizer files: tokenizer.json, tokenizer_config.json, special_tokens_map.json. */
export async function writeStudentTokenizer(
  folder: string,
  files: TeacherTokenizerFiles,
  { maxLength, longTexts, usedIds }: StudentTokenizerOptions,
): Promise<VocabularySizes> {
  const path = files.tokenizer;
  const teacher = parseTokenizerJson(await readFile(path, 'utf8'), path);
  const student = usedIds === null ? teacher : trimVocabulary(teacher, usedIds, path).json;
  const tokenizer = withMaxLength(student, maxLength);
  const { config, specialTokens } = await studentTokenizerConfig({
    tokenizer,
    configPath: files.config,
    specialTokensPath: files.specialTokens,
    maxLength,
    longTexts,
  });
  await writeJson(folder, 'tokenizer.json', tokenizer);
  await writeJson(folder, 'tokenizer_config.json', config);
  await writeJson(folder, 'special_tokens_map.json', specialTokens);
  return { student: vocabularySize(student), teacher: vocabularySize(teacher) };
}

async function writeJson(folder: string, name: string, value: unknown): Promise<void> {
  await writeFileAtomic(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}

/** Rows that an embedding table needs: the largest id and one more. */
function vocabularySize(tokenizer: TokenizerJson): number {
  const { vocab } = tokenizer.model;
  const added = tokenizer.added_tokens.map((token) => token.id);
  // Unigram lists its pieces in the order of their ids; the other models map each to its id.
  if (Array.isArray(vocab)) return largest(added, vocab.length - 1) + 1;
  const ids = typeof vocab === 'object' && vocab !== null ? Object.values(vocab).map(Number) : [];
  return largest(added, largest(ids, -1)) + 1;
}

/** Not `Math.max(...)`: a vocabulary has more entries than a call may have arguments. */
function largest(values: readonly number[], least: number): number {
  return values.reduce((best, value) => Math.max(best, value), least);
}
