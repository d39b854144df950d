import { z } from 'zod';
import { digestFile, digestOf } from '#cache/digest.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { readClasses } from '#datasets/classes.ts';
import type { Split } from '#datasets/example.ts';
import { filesOf, inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type AnswerBook, openAnswerBook } from './answer-book.ts';
import { MissingAnswersError } from './answer-errors.ts';
import { digestOfFitted } from './model-files.ts';
import type { Identity } from './provenance.ts';
import { openSealedRows, type SealedRows } from './sealed-rows.ts';
import { answerSettingsOf, type Keep, keepOf, type SoftLabelConfig } from './settings.ts';
import { type Survey, surveyCorpus } from './survey.ts';
import { openTeacherCorpus, type TeacherCorpus } from './teacher-corpus.ts';

/** What a pass has to do, and what earlier ones have done of it. Close `sealed`. */
export interface Plan extends Omit<Survey, 'left'> {
  readonly keep: Keep;
  readonly corpus: TeacherCorpus;
  readonly identity: Identity;
  readonly sealed: SealedRows;
  /** Where the teacher is no model: what it has answered, and how many rows it has not. */
  readonly answers: { readonly book: AnswerBook; readonly left: number } | undefined;
}

/** Looks through the corpus and finds what sealed artifacts already know of it. Writes nothing. */
export async function openPlan(
  context: StageContext<SoftLabelConfig>,
  folderOf: (split: Split) => string,
): Promise<Plan> {
  const { config, recipe, earlier } = context;
  const [classNames, corpus, teacherDigest] = await Promise.all([
    readClasses(inputOf(context, 'classes')),
    openTeacherCorpus(context, config.maxLength),
    digestOfTeacher(context),
  ]);
  const book = await answersOf(context, corpus, classNames);
  const keep = keepOf(config, classNames.length);
  const identity = identityOf({ keep, corpus, classNames, teacherDigest, recipe });
  const sealed = await openSealedRows(earlier, { identity, keep, recipe });
  try {
    const { left, ...survey } = await surveyCorpus(corpus, {
      folderOf,
      shardRows: config.shardRows,
      places: sealed.places,
      isAsked: ({ exampleId }) => book?.has(exampleId) ?? true,
    });
    if (left.count > 0 && answerSettingsOf(config).missing === 'error') {
      const answered = survey.shards.reduce((sum, { all }) => sum + all.count, 0);
      throw new MissingAnswersError(left, answered + left.count);
    }
    const answers = book && { book, left: left.count };
    return { ...survey, keep, corpus, identity, sealed, answers };
  } catch (error) {
    await sealed.close();
    throw error;
  }
}

/** What a teacher of files has answered; undefined where the teacher is a model. */
async function answersOf(
  { config, files }: StageContext<SoftLabelConfig>,
  corpus: TeacherCorpus,
  classNames: readonly string[],
): Promise<AnswerBook | undefined> {
  const paths = files['answers'];
  if (paths === undefined) return undefined;
  return openAnswerBook(paths, corpus, { classNames, ...answerSettingsOf(config) });
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
