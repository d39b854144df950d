import { z } from 'zod';
import { digestFile, digestOf } from '#cache/digest.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { readClasses } from '#datasets/classes.ts';
import type { Split } from '#datasets/example.ts';
import { filesOf, inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { Identity } from './provenance.ts';
import { openSealedRows, type SealedRows } from './sealed-rows.ts';
import { type Keep, keepOf, type SoftLabelConfig } from './settings.ts';
import { planShards, type Shard } from './shards.ts';
import { readTeacherCorpus, type TeacherCorpus } from './teacher-rows.ts';

/** What a pass has to do, and what earlier ones have done of it. Close `sealed`. */
export interface Plan {
  readonly keep: Keep;
  readonly corpus: TeacherCorpus;
  readonly identity: Identity;
  readonly shards: readonly Shard[];
  readonly sealed: SealedRows;
}

/** Reads the corpus and finds what sealed artifacts already know of it. Writes nothing. */
export async function openPlan(
  context: StageContext<SoftLabelConfig>,
  folderOf: (split: Split) => string,
): Promise<Plan> {
  const { config, recipe, earlier } = context;
  const [classNames, corpus, teacherDigest] = await Promise.all([
    readClasses(inputOf(context, 'classes')),
    readTeacherCorpus(context, config.maxLength),
    digestOfTeacher(context),
  ]);
  const keep = keepOf(config, classNames.length);
  const identity = identityOf({ keep, corpus, classNames, teacherDigest, recipe });
  const shards = planShards(corpus, folderOf, config.shardRows);
  const sealed = await openSealedRows(earlier, { identity, keep, recipe });
  return { keep, corpus, identity, shards, sealed };
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
    ...(corpus.perToken && { perToken: true }),
  };
}

/** Digest of the model and its external data; the recipe has them already where the pipeline runs us. */
async function digestOfTeacher(context: StageContext<SoftLabelConfig>): Promise<string> {
  const known = recipeWithFiles.safeParse(context.recipe);
  const digests = known.success
    ? known.data.files.model
    : await Promise.all(filesOf(context, 'model').map(digestFile));
  const [only = ''] = digests;
  return digests.length === 1 ? only : digestOf(digests.join('\n'));
}

const recipeWithFiles = z.object({ files: z.object({ model: z.array(z.string()).min(1) }) });
