import { writeClasses } from '#datasets/classes.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { answersTeacher, FROM_ANSWERS, tellAnswers } from './answers-teacher.ts';
import { freshRows } from './drafts.ts';
import { fillShards } from './fill-shards.ts';
import { discardShards, type FinishedShards, findFinishedShards } from './finished-shards.ts';
import { largestBatch } from './largest-batch.ts';
import { openPlan, type Plan } from './plan.ts';
import { isSameProvenance, mergeProvenance, type Provenance } from './provenance.ts';
import { provenanceOf } from './sealed-rows.ts';
import { type SoftLabelConfig } from './settings.ts';
import type { Shard } from './shards.ts';
import { isModel, type ModelTeacher, type Teacher } from './teacher.ts';
import { takeCensus } from './teacher-census.ts';
import { guardFinished, guardTeacher } from './teacher-guard.ts';
import { openTeacherOf } from './teacher-of.ts';

/** Stage one: the teacher sees every row once; what it says is kept in Parquet. Never reads a label. */
export async function* runSoftLabel(
  context: StageContext<SoftLabelConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const plan = await openPlan(context, (split) => outputOf(context, `rows/${split}`));
  const { config } = context;
  const { classNames } = plan.identity;
  if (config.keep === 'top-k' && plan.keep.mode === 'dense' && plan.keep.task === undefined) {
    const message = `topK ${config.topK} covers all ${classNames.length} classes: every logit is kept instead, in float32`;
    yield { type: 'note', message };
  }
  await writeClasses(outputOf(context, 'classes'), classNames);
  for (const [of, value] of Object.entries(config.licenses ?? {})) {
    if (value !== undefined) yield { type: 'environment', name: `${of}License`, value };
  }
  if (plan.answers !== undefined) {
    yield* tellAnswers(plan.answers.book, plan.answers.left, plan.keep);
  }
  try {
    yield* label(context, plan);
  } finally {
    await plan.sealed.close();
  }
}

async function* label(
  context: StageContext<SoftLabelConfig>,
  plan: Plan,
): AsyncGenerator<StageEvent, void, void> {
  const { shards, sealed, identity } = plan;
  yield* tellReuse(plan);
  let finished = await findFinishedShards(shards, identity);
  // Looking answers up costs nothing.
  const isGuarded = !context.recomputeTeacher && plan.answers === undefined;
  if (isGuarded) await guardTeacher(openShards(plan, finished), sealed);

  const open = () => teacherFor(context, plan);
  const teacher = rowsToRun(plan, finished) === 0 ? undefined : await open();
  try {
    const provenance = provenanceOfRun(plan, finished, teacher);
    if (finished.provenance !== undefined && !isSameProvenance(finished.provenance, provenance)) {
      if (!context.recomputeTeacher) guardFinished(finished, provenance);
      yield { type: 'note', message: startOver(finished, provenance) };
      await discardShards(finished.shards);
      finished = { shards: new Set(), provenance: undefined };
    }
    yield* tellEnvironment(provenance, isModel(teacher) ? teacher : undefined);
    if (isModel(teacher)) yield* lookAhead(context, plan, { finished, teacher });
    const quarantined = yield* fillShards(context, plan, { finished, teacher, provenance, open });
    yield { type: 'count', name: 'resumedRows', value: rowCount([...finished.shards]) };
    const asked = plan.answers === undefined ? rowsToRun(plan, finished) : 0;
    yield { type: 'count', name: 'teacherRows', value: asked };
    yield { type: 'count', name: 'quarantined', value: quarantined };
  } finally {
    await teacher?.close();
  }
}

async function teacherFor(
  context: StageContext<SoftLabelConfig>,
  { keep, identity, answers, highest }: Plan,
): Promise<Teacher> {
  if (answers !== undefined) return answersTeacher(answers.book, keep);
  return openTeacherOf(context, highest, keep, identity, { census: true });
}

async function* tellReuse({ shards, sealed }: Plan): AsyncGenerator<StageEvent, void, void> {
  const gone = await sealed.places.countUnseen(sealed.newest);
  const fresh = freshCount(shards);
  const reused = rowCount(shards) - fresh;
  yield { type: 'count', name: 'rowsReused', value: reused };
  yield { type: 'count', name: 'rowsNew', value: fresh };
  yield { type: 'count', name: 'rowsGone', value: gone };
  if (sealed.newest.every((reader) => reader.rowCount === 0)) return;
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
  if (teacher.rowsDependOnBatch) yield { type: 'warning', message: QUANTISED };
  const reason = teacher.withoutCuda === undefined ? '' : ` (${teacher.withoutCuda})`;
  yield { type: 'note', message: `the teacher runs on ${teacher.provider}${reason}` };
}

/** What the pass will be like, before its first batch. */
async function* lookAhead(
  { config }: StageContext<SoftLabelConfig>,
  plan: Plan,
  { finished, teacher }: { finished: FinishedShards; teacher: ModelTeacher },
): AsyncGenerator<StageEvent, void, void> {
  const { sealed, corpus, keep } = plan;
  const { classCount } = keep;
  const { tokenBudget } = config;
  const { maxLength } = corpus;
  const largest = await largestBatch(
    openShards(plan, finished),
    (rows) => freshRows(rows, sealed),
    { tokenBudget, maxLength, shape: teacher.shape, classCount },
  );
  if (largest !== undefined) yield* takeCensus(teacher, largest, config);
}

function startOver({ provenance, shards }: FinishedShards, now: Provenance): string {
  const before = `${provenance?.provider} (${provenance?.runtime})`;
  return `${shards.size} finished files were made on ${before}, this run uses ${now.provider} (${now.runtime}): they are made again`;
}

/** How many rows neither a sealed artifact nor a finished shard holds. */
function rowsToRun(plan: Plan, finished: FinishedShards): number {
  return freshCount(openShards(plan, finished));
}

function openShards({ shards }: Plan, finished: FinishedShards): Shard[] {
  return shards.filter((shard) => !finished.shards.has(shard));
}

/** What every file of this artifact will name as its place of origin. */
function provenanceOfRun(
  { sources, keep, answers }: Plan,
  finished: FinishedShards,
  teacher: Teacher | undefined,
): Provenance {
  // Without a teacher nothing new is computed, and finished files already name all origins.
  if (teacher === undefined && finished.provenance !== undefined) return finished.provenance;
  const own = teacher && (answers === undefined ? placeOf(teacher) : FROM_ANSWERS);
  const parts = [...provenanceOf(sources, keep), ...(own === undefined ? [] : [own])];
  return parts.length === 0 ? { provider: 'none', runtime: 'none' } : mergeProvenance(parts);
}

function placeOf({ provider, runtimeVersion }: Teacher): Provenance {
  return { provider, runtime: `onnxruntime ${runtimeVersion}` };
}

function rowCount(shards: readonly Shard[]): number {
  return shards.reduce((sum, shard) => sum + shard.all.count, 0);
}

function freshCount(shards: readonly Shard[]): number {
  return shards.reduce((sum, { fresh }) => sum + fresh.count, 0);
}

const QUANTISED =
  'the teacher quantises its activations as it runs (DynamicQuantizeLinear): the last digits of a row depend on the other rows of its batch, so that another tokenBudget gives other bytes; weights in int8 alone, or static quantisation, do not have this';
