import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';

import { requireTokenizer, teacherFiles } from '#pipeline/teachers/teacher-files.ts';
import { type FoundLicense, licenseBeside } from '#pipeline/teachers/teacher-license.ts';

import { type ClassList, readClassList } from '#stages/prepare/class-list.ts';

/** What a teacher says about the configuration that suits it. */
export interface TeacherSurvey {
  readonly path: string;
  readonly classes: ClassList;
  /** Tokens that nearly all sampled texts fit into. */
  readonly maxLength: number;
  readonly longestTokens: number;
  readonly license: FoundLicense | undefined;
}

export class NoTeacherError extends Failure {
  constructor(places: readonly string[]) {
    super(
      'usage',
      'E_INIT_TEACHER',
      `no teacher found in ${places.join(' or ')}`,
      'name it with --teacher DIR: a Hugging Face folder with onnx/model.onnx, config.json and tokenizer.json; where answers stand in a file, or for a sentence encoder, write teacher: { answers: FILE } or { embeddings: DIR, head: fit } by hand',
    );
  }
}

/** The teacher that was named, or the only folder in these places that holds one. */
export function findTeacher(named: string | undefined, places: readonly string[]): string {
  if (named !== undefined) return named;
  const folders = [...new Set(places)].flatMap((place) =>
    readdirSync(place, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => join(place, name)),
  );
  const found = folders.find(isTeacher);
  if (found === undefined) throw new NoTeacherError([...new Set(places)]);
  return found;
}

/** Reads the classes of a teacher and how long the texts are in its tokens. */
export async function surveyTeacher(
  path: string,
  texts: readonly string[],
): Promise<TeacherSurvey> {
  const files = teacherFiles(path);
  const classes = await readClassList(files.config, undefined);
  const limit = positionsOf(files.config);
  const tokenizer = await openTokenizer(requireTokenizer(files), limit);
  const lengths: number[] = [];
  for (let from = 0; from < texts.length; from += BATCH_TEXTS) {
    const batch = texts.slice(from, from + BATCH_TEXTS);
    const encoded = await tokenizer.encode(batch.map((text) => ({ text, textPair: null })));
    lengths.push(...encoded.map(({ ids }) => ids.length));
  }
  lengths.sort((a, b) => a - b);
  const covering = lengths[Math.floor(COVERED * (lengths.length - 1))] ?? limit;
  const maxLength = Math.min(limit, Math.max(MIN_LENGTH, Math.ceil(covering / 16) * 16));
  const license = licenseBeside(files.config);
  return { path, classes, maxLength, longestTokens: lengths.at(-1) ?? 0, license };
}

function isTeacher(folder: string): boolean {
  const has = (name: string) => existsSync(join(folder, name));
  return (
    has('config.json') && has('tokenizer.json') && (has('onnx/model.onnx') || has('model.onnx'))
  );
}

/** Most tokens that a model takes; 512 where its config.json does not say. */
function positionsOf(config: string): number {
  const schema = z.looseObject({ max_position_embeddings: z.int().min(MIN_LENGTH) });
  const parsed = schema.safeParse(JSON.parse(readFileSync(config, 'utf8')));
  return parsed.success ? Math.min(parsed.data.max_position_embeddings, MAX_LENGTH) : MAX_LENGTH;
}

const BATCH_TEXTS = 500;
/** A long tail would make every batch slower for a handful of rows; those are cut and counted. */
const COVERED = 0.995;
const MIN_LENGTH = 16;
const MAX_LENGTH = 512;
