import { z } from 'zod';
import { digestFile, digestOf } from '#cache/digest.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { readClasses, writeClasses } from '#datasets/classes.ts';
import { filesOf, inputOf, outputOf } from '#stages/folders.ts';
import { defineStage, type StageContext, type StageEvent } from '#stages/stage.ts';
import { capture, freshRows } from './capture.ts';
import { discardShards, type FinishedShards, findFinishedShards } from './finished-shards.ts';
import { padTokenIdOf } from './pad-token.ts';
import { type Identity, isSameProvenance, mergeProvenance, type Provenance } from './provenance.ts';
import { Quarantine } from './quarantine.ts';
import { openSealedRows, provenanceOf, type SealedRows } from './sealed-rows.ts';
import { type Keep, keepOf, type SoftLabelConfig, softLabelConfig } from './settings.ts';
import { openShardWriter } from './shard-writer.ts';
import { planShards, type Shard } from './shards.ts';
import { openTeacher, type Teacher } from './teacher.ts';
import { guardFinished, guardTeacher } from './teacher-guard.ts';
import { readTeacherCorpus, type TeacherCorpus } from './teacher-rows.ts';

/** Stage one: the teacher sees every row once; what it says is kept in Parquet. Never reads a label. */
export const softLabel = defineStage({
  name: 'soft-label',
  version: 1,
  configSchema: softLabelConfig,
  // `device` may change last bits between providers; each file names its own, so it is no part of the recipe.
  speedKnobs: ['device', 'threads', 'tokenBudget'],
  outputs: {
    'rows/train': { formatVersion: 1 },
    'rows/validation': { formatVersion: 1 },
    'rows/test': { formatVersion: 1 },
    classes: { formatVersion: 1 },
  },

  async *run(context) {
    const { config, recipe } = context;
    const [classNames, corpus, teacherDigest] = await Promise.all([
      readClasses(inputOf(context, 'classes')),
      readTeacherCorpus(context, config.maxLength),
      digestOfTeacher(context),
    ]);
    const keep = keepOf(config, classNames.length);
    if (config.keep === 'top-k' && keep.topK === undefined) {
      const message = `topK ${config.topK} covers all ${classNames.length} classes: every logit is kept instead`;
      yield { type: 'note', message };
    }
    await writeClasses(outputOf(context, 'classes'), classNames);
    const identity = identityOf({ keep, corpus, classNames, teacherDigest, recipe });
    const shards = planShards(
      corpus,
      (split) => outputOf(context, `rows/${split}`),
      config.shardRows,
    );
    const sealed = await openSealedRows(context.earlier, identity, recipe);
    try {
      yield* label(context, { keep, corpus, identity, shards, sealed });
    } finally {
      await sealed.close();
    }
  },
});

interface Plan {
  readonly keep: Keep;
  readonly corpus: TeacherCorpus;
  readonly identity: Identity;
  readonly shards: readonly Shard[];
  readonly sealed: SealedRows;
}

async function* label(
  context: StageContext<SoftLabelConfig>,
  plan: Plan,
): AsyncGenerator<StageEvent, void, void> {
  const { shards, sealed, identity } = plan;
  yield* tellReuse(plan);
  let finished = await findFinishedShards(shards, identity);
  const toRun = rowsToRun(plan, finished);
  if (!context.recomputeTeacher) await guardTeacher(new Set(toRun), sealed.others);

  const teacher = toRun.length === 0 ? undefined : await openTeacherOf(context, plan.keep);
  try {
    const provenance = provenanceOfRun(plan, finished, teacher);
    if (finished.provenance !== undefined && !isSameProvenance(finished.provenance, provenance)) {
      if (!context.recomputeTeacher) guardFinished(finished, provenance);
      yield { type: 'note', message: startOver(finished, provenance) };
      await discardShards(finished.shards);
      finished = { shards: new Set(), provenance: undefined };
    }
    yield* tellEnvironment(provenance, teacher);
    yield* fillShards(context, plan, { finished, teacher, provenance });
  } finally {
    await teacher?.close();
  }
}

async function* fillShards(
  { config, signal }: StageContext<SoftLabelConfig>,
  plan: Plan,
  run: { finished: FinishedShards; teacher: Teacher | undefined; provenance: Provenance },
): AsyncGenerator<StageEvent, void, void> {
  const { finished, teacher, provenance } = run;
  const open = plan.shards.filter((shard) => !finished.shards.has(shard));
  const quarantine = new Quarantine(rowCount(plan.shards));
  if (open.length > 0) {
    const writer = openShardWriter({ ...plan.identity, ...provenance }, config.codec);
    try {
      const { tokenBudget } = config;
      const { keep, sealed, corpus } = plan;
      const job = { keep, sealed, teacher, writer, tokenBudget, quarantine, signal };
      yield* capture({ ...job, shards: open, maxLength: corpus.maxLength });
    } finally {
      await writer.close();
    }
  }
  yield { type: 'count', name: 'resumedRows', value: rowCount([...finished.shards]) };
  yield { type: 'count', name: 'teacherRows', value: rowsToRun(plan, finished).length };
  yield { type: 'count', name: 'quarantined', value: quarantine.count };
}

function* tellReuse({ shards, sealed }: Plan): Generator<StageEvent, void, void> {
  const ids = shards.flatMap((shard) => shard.rows.map((row) => row.exampleId));
  const reused = ids.filter((exampleId) => sealed.places.has(exampleId)).length;
  const present = new Set(ids);
  const gone = [...sealed.newestIds].filter((exampleId) => !present.has(exampleId)).length;
  const fresh = ids.length - reused;
  yield { type: 'count', name: 'rowsReused', value: reused };
  yield { type: 'count', name: 'rowsNew', value: fresh };
  yield { type: 'count', name: 'rowsGone', value: gone };
  if (sealed.newestIds.size === 0) return;
  const [a, b, c] = [reused, fresh, gone].map((count) => count.toLocaleString('en-US'));
  yield { type: 'note', message: `${a} reused, ${b} new, ${c} gone` };
}

function* tellEnvironment(
  { provider, runtime }: Provenance,
  teacher: Teacher | undefined,
): Generator<StageEvent, void, void> {
  yield { type: 'environment', name: 'provider', value: provider };
  yield { type: 'environment', name: 'runtime', value: runtime };
  if (teacher === undefined) return;
  const reason = teacher.withoutCuda === undefined ? '' : ` (${teacher.withoutCuda})`;
  yield { type: 'note', message: `the teacher runs on ${teacher.provider}${reason}` };
}

function startOver({ provenance, shards }: FinishedShards, now: Provenance): string {
  const before = `${provenance?.provider} (${provenance?.runtime})`;
  return `${shards.size} finished files were made on ${before}, this run uses ${now.provider} (${now.runtime}): they are made again`;
}

/** Ids of the rows that neither a sealed artifact nor a finished shard holds. */
function rowsToRun({ shards, sealed }: Plan, finished: FinishedShards): string[] {
  const open = shards.filter((shard) => !finished.shards.has(shard));
  return open.flatMap((shard) => freshRows(shard, { sealed }).map((row) => row.exampleId));
}

/** What every file of this artifact will name as its place of origin. */
function provenanceOfRun(
  { shards, sealed }: Plan,
  finished: FinishedShards,
  teacher: Teacher | undefined,
): Provenance {
  // Without a teacher nothing new is computed, and finished files already name all origins.
  if (teacher === undefined && finished.provenance !== undefined) return finished.provenance;
  const rows = shards.flatMap((shard) => shard.rows);
  const places = rows.flatMap((row) => sealed.places.get(row.exampleId) ?? []);
  const own = teacher && {
    provider: teacher.provider,
    runtime: `onnxruntime ${teacher.runtimeVersion}`,
  };
  const parts = [...provenanceOf(places), ...(own === undefined ? [] : [own])];
  return parts.length === 0 ? { provider: 'none', runtime: 'none' } : mergeProvenance(parts);
}

async function openTeacherOf(context: StageContext<SoftLabelConfig>, keep: Keep): Promise<Teacher> {
  const [model = ''] = filesOf(context, 'model');
  const { device, threads } = context.config;
  return openTeacher(model, { device, threads, keep, padTokenId: await padTokenIdOf(context) });
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
    mode: keep.topK === undefined ? 'dense' : 'top-k',
    topK: keep.topK ?? null,
    temperatures: keep.temperatures,
    classNames,
    fingerprint: fingerprintOf(recipe),
    teacherDigest,
    tokenizerDigest: corpus.tokenizerDigest,
    maxLength: corpus.maxLength,
    precision: 'float32',
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

function rowCount(shards: readonly Shard[]): number {
  return shards.reduce((sum, shard) => sum + shard.rows.length, 0);
}

const recipeWithFiles = z.object({ files: z.object({ model: z.array(z.string()).min(1) }) });
