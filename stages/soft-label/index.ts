import { writeClasses } from '#datasets/classes.ts';
import { outputOf } from '#stages/folders.ts';
import { defineStage, type StageContext, type StageEvent } from '#stages/stage.ts';
import { capture, freshRows } from './capture.ts';
import {
  describeShards,
  discardShards,
  type FinishedShards,
  findFinishedShards,
} from './finished-shards.ts';
import { openPlan, type Plan } from './plan.ts';
import { isSameProvenance, mergeProvenance, type Provenance } from './provenance.ts';
import { Quarantine } from './quarantine.ts';
import { provenanceOf } from './sealed-rows.ts';
import { type SoftLabelConfig, softLabelConfig } from './settings.ts';
import { openShardWriter } from './shard-writer.ts';
import type { Shard } from './shards.ts';
import type { Teacher } from './teacher.ts';
import { guardFinished, guardTeacher } from './teacher-guard.ts';
import { openTeacherOf } from './teacher-of.ts';

/** Stage one: the teacher sees every row once; what it says is kept in Parquet. Never reads a label. */
export const softLabel = defineStage({
  name: 'soft-label',
  version: 1,
  configSchema: softLabelConfig,
  // `device` may change last bits between providers; each file names its own, so it is no part of the recipe.
  speedKnobs: ['device', 'threads', 'tokenBudget', 'gather'],
  outputs: {
    'rows/train': { formatVersion: 1 },
    'rows/validation': { formatVersion: 1 },
    'rows/test': { formatVersion: 1 },
    classes: { formatVersion: 1 },
  },

  describePartial: describeShards,

  async *run(context) {
    const plan = await openPlan(context, (split) => outputOf(context, `rows/${split}`));
    const { config } = context;
    const { classNames } = plan.identity;
    if (config.keep === 'top-k' && plan.keep.mode === 'dense') {
      const message = `topK ${config.topK} covers all ${classNames.length} classes: every logit is kept instead, in float32`;
      yield { type: 'note', message };
    }
    await writeClasses(outputOf(context, 'classes'), classNames);
    try {
      yield* label(context, plan);
    } finally {
      await plan.sealed.close();
    }
  },
});

async function* label(
  context: StageContext<SoftLabelConfig>,
  plan: Plan,
): AsyncGenerator<StageEvent, void, void> {
  const { shards, sealed, identity } = plan;
  yield* tellReuse(plan);
  let finished = await findFinishedShards(shards, identity);
  const toRun = rowsToRun(plan, finished);
  if (!context.recomputeTeacher) await guardTeacher(new Set(toRun), sealed.others);

  const teacher =
    toRun.length === 0 ? undefined : await openTeacherOf(context, plan.keep, identity);
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
  { shards, sealed, keep }: Plan,
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
  const parts = [...provenanceOf(places, keep), ...(own === undefined ? [] : [own])];
  return parts.length === 0 ? { provider: 'none', runtime: 'none' } : mergeProvenance(parts);
}

function rowCount(shards: readonly Shard[]): number {
  return shards.reduce((sum, shard) => sum + shard.rows.length, 0);
}
