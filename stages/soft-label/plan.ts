import { z } from 'zod';
import { digestFile, digestOf } from '#cache/digest.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { readClasses } from '#datasets/classes.ts';
import type { Split } from '#datasets/example.ts';
import { filesOf, inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type AnswerBook, answeredRows, openAnswerBook } from './answer-book.ts';
import { digestOfFitted } from './model-files.ts';
import type { Identity } from './provenance.ts';
import { openSealedRows, type SealedRows } from './sealed-rows.ts';
import { answerSettingsOf, type Keep, keepOf, type SoftLabelConfig } from './settings.ts';
import { planShards, type Shard } from './shards.ts';
import { readTeacherCorpus, type TeacherCorpus } from './teacher-rows.ts';

/** What a pass has to do, and what earlier ones have done of it. Close `sealed`. */
export interface Plan {
  readonly keep: Keep;
  readonly corpus: TeacherCorpus;
  readonly identity: Identity;
  readonly shards: readonly Shard[];
  readonly sealed: SealedRows;
  /** Where the teacher is no model: what it has answered, and how many rows it has not. */
  readonly answers: { readonly book: AnswerBook; readonly left: number } | undefined;
}

/** Reads the corpus and finds what sealed artifacts already know of it. Writes nothing. */
export async function openPlan(
  context: StageContext<SoftLabelConfig>,
  folderOf: (split: Split) => string,
): Promise<Plan> {
  const { config, recipe, earlier } = context;
  const [classNames, whole, teacherDigest] = await Promise.all([
    readClasses(inputOf(context, 'classes')),
    readTeacherCorpus(context, config.maxLength),
    digestOfTeacher(context),
  ]);
  const { corpus, answers } = await answeredCorpus(context, whole, classNames);
  const keep = keepOf(config, classNames.length);
  const identity = identityOf({ keep, corpus, classNames, teacherDigest, recipe });
  const shards = planShards(corpus, folderOf, config.shardRows);
  const sealed = await openSealedRows(earlier, { identity, keep, recipe });
  return { keep, corpus, identity, shards, sealed, answers };
}

/** The rows that a teacher of files has answered; all of them where the teacher is a model. */
async function answeredCorpus(
  { config, files }: StageContext<SoftLabelConfig>,
  corpus: TeacherCorpus,
  classNames: readonly string[],
): Promise<Pick<Plan, 'corpus' | 'answers'>> {
  const paths = files['answers'];
  if (paths === undefined) return { corpus, answers: undefined };
  const { missing, ...settings } = answerSettingsOf(config);
  const book = await openAnswerBook(paths, corpus.rows, { classNames, ...settings });
  const { rows, left } = answeredRows(book, corpus.rows, missing);
  return { corpus: { ...corpus, rows }, answers: { book, left } };
}

function identityOf(parts: {
  keep: Keep;
  corpus: TeacherCorpus;
  classNames: readonly string[];
  teacherDigest: string;
  recipe: Readonly<Record<string, unknown>>;
}): Identity {
  const { keep, corpus, classNames, teacherDigest, recipe } = parts;
  return {
    formatVersion: 1,
    mode: keep.mode,
    topK: keep.topK ?? null,
    ...(keep.samples !== undefined && { samples: keep.samples }),
    temperatures: keep.temperatures,
    classNames,
    fingerprint: fingerprintOf(recipe),
    teacherDigest,
    tokenizerDigest: corpus.tokenizerDigest,
    maxLength: corpus.maxLength,
    precision: keep.precision,
    ...(keep.task && { task: keep.task }),
    ...(corpus.perToken && { perToken: true }),
    ...(corpus.perWindow && { perWindow: true }),
  };
}

/** Digest of the model and its external data, or of the answers; the recipe has them already where the pipeline runs us. */
async function digestOfTeacher(context: StageContext<SoftLabelConfig>): Promise<string> {
  const fitted = await digestOfFitted(context);
  if (fitted !== undefined) return fitted;
  const role = context.files['answers'] === undefined ? 'model' : 'answers';
  const known = recipeWithFiles.safeParse(context.recipe).data?.files[role];
  const digests = known ?? (await Promise.all(filesOf(context, role).map(digestFile)));
  const [only = ''] = digests;
  return digests.length === 1 ? only : digestOf(digests.join('\n'));
}

const digestList = z.array(z.string()).min(1).optional();
const recipeWithFiles = z.object({ files: z.object({ model: digestList, answers: digestList }) });
