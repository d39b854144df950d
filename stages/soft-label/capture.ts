import { Failure } from '#cache/failure.ts';
import { inOrder } from '#datasets/in-order.ts';
import { type SoftLabelRows, takeRows } from '#datasets/soft-labels/soft-labels.ts';
import type { StageEvent } from '#stages/stage.ts';
import { type Batch, FREE_SHAPE, planRows } from './batches.ts';
import { batchesAhead } from './batches-ahead.ts';
import { drawLabels, drawNames } from './draw-labels.ts';
import {
  areFinite,
  copyRows,
  emptyColumns,
  type LabelColumns,
  labelledRows,
  perAnswer,
  type RowBlock,
} from './label-columns.ts';
import type { Quarantine } from './quarantine.ts';
import type { SealedPlace, SealedRows } from './sealed-rows.ts';
import type { Keep } from './settings.ts';
import type { ShardWriter } from './shard-writer.ts';
import type { Shard } from './shards.ts';
import type { Teacher, TeacherAnswer } from './teacher.ts';
import { answerCount, rowLength, type TeacherRow } from './teacher-rows.ts';

/** All that is needed to fill shards. */
export interface CaptureJob {
  readonly shards: readonly Shard[];
  readonly sealed: Pick<SealedRows, 'places' | 'read'>;
  /** undefined when every row is taken over. */
  readonly teacher: Teacher | undefined;
  readonly writer: ShardWriter;
  readonly keep: Keep;
  readonly tokenBudget: number;
  readonly maxLength: number;
  readonly quarantine: Quarantine;
  readonly signal: AbortSignal;
}

/** One shard in the making. */
interface Draft {
  readonly shard: Shard;
  readonly columns: LabelColumns;
  /** Rows that meet the teacher. */
  readonly fresh: readonly TeacherRow[];
  /** Where the answers of each row lie in `columns`. */
  readonly blocks: ReadonlyMap<TeacherRow, RowBlock>;
}

/** A batch of a shard, or the end of one. */
type Task =
  | { readonly type: 'batch'; readonly draft: Draft; readonly batch: Batch }
  | { readonly type: 'end'; readonly draft: Draft };

/**
 * Runs the rows that no sealed artifact holds through the teacher and writes the shards. Batches are
 * formed inside a shard, so that a resumed run sees the same ones; while one is computed the next is
 * prepared and the shard before is written.
 */
export async function* capture(job: CaptureJob): AsyncGenerator<StageEvent, void, void> {
  const { teacher, signal } = job;
  const total = job.shards.reduce((sum, shard) => sum + freshRows(shard, job).length, 0);
  const seen = { rows: 0, tokens: 0, padded: 0 };
  const began = { at: performance.now(), busyMs: teacher?.busy?.().ms ?? 0 };
  const start = (task: Task): Promise<TeacherAnswer | undefined> => {
    if (task.type === 'end' || teacher === undefined) return Promise.resolve(undefined);
    return teacher.label(rowsOf(task.draft, task.batch), task.batch.length);
  };
  for await (const { item: task, result: answer } of inOrder(
    tasksOf(job),
    batchesAhead(job),
    start,
  )) {
    signal.throwIfAborted();
    if (task.type === 'end') {
      const { rows, told } = await finish(task.draft, job);
      for (const message of told) yield { type: 'warning', message };
      await job.writer.write(task.draft.shard.path, rows);
      continue;
    }
    if (answer === undefined) throw new Error('rows without a teacher');
    if (answer.looksLikeProbabilities) {
      const message = job.keep.task === undefined ? PROBABILITIES : PROBABILITIES_OF_LABELS;
      yield { type: 'warning', message };
    }
    const asked = rowsOf(task.draft, task.batch);
    takeAnswer(task.draft, asked, keptOf(answer.columns, asked, job.keep));
    const { rows, tokens } = countOf(asked);
    seen.rows += rows;
    seen.tokens += tokens;
    seen.padded += rows * task.batch.length;
    const elapsedMs = performance.now() - began.at;
    const busyMs = teacher?.busy === undefined ? undefined : teacher.busy().ms - began.busyMs;
    const padding = `padding ${percent(1 - seen.tokens / seen.padded)}`;
    const detail =
      busyMs === undefined ? padding : `${padding}, device busy ${percent(busyMs / elapsedMs)}`;
    const { rows: done, tokens: seenTokens } = seen;
    yield { type: 'progress', done, total, unit: 'rows', detail, tokens: seenTokens };
  }
  await job.writer.drain();
}

/** Rows of a shard that must meet the teacher. */
export function freshRows(
  shard: Shard,
  { sealed }: { readonly sealed: Pick<SealedRows, 'places'> },
): TeacherRow[] {
  return shard.rows.filter((row) => !sealed.places.has(row.exampleId));
}

function* tasksOf(job: CaptureJob): Generator<Task> {
  const { tokenBudget, maxLength, teacher } = job;
  for (const shard of job.shards) {
    const draft = draftOf(shard, job);
    const shape = teacher?.shape ?? FREE_SHAPE;
    const { classCount } = job.keep;
    for (const batch of planRows(draft.fresh, { tokenBudget, maxLength, shape, classCount })) {
      yield { type: 'batch', draft, batch };
    }
    yield { type: 'end', draft };
  }
}

function draftOf(shard: Shard, job: CaptureJob): Draft {
  const blocks = new Map<TeacherRow, RowBlock>();
  let from = 0;
  for (const row of shard.rows) {
    const count = answerCount(row);
    blocks.set(row, { from, count });
    from += count;
  }
  return { shard, columns: emptyColumns(from, job.keep), fresh: freshRows(shard, job), blocks };
}

function rowsOf(draft: Draft, batch: Batch): TeacherRow[] {
  return batch.rows.flatMap((row) => draft.fresh[row] ?? []);
}

/** Logits, of answers in files, are drawn from at once: a shard of them may not fit into memory. A model draws itself. */
export function keptOf(
  answer: LabelColumns,
  rows: readonly TeacherRow[],
  keep: Keep,
): LabelColumns {
  if (keep.mode !== 'sampled' || answer.drawn !== undefined) return answer;
  return drawLabels(answer, rows.flatMap(drawNames), keep);
}

/** The answers of a batch stand in the order of its rows. */
function takeAnswer(
  { columns, blocks }: Draft,
  asked: readonly TeacherRow[],
  answer: LabelColumns,
) {
  let from = 0;
  for (const row of asked) {
    const count = answerCount(row);
    const block = blocks.get(row);
    if (block !== undefined) copyRows(columns, block.from, answer, { from, count });
    from += count;
  }
}

/** Takes over what is known already and leaves out what is not finite. */
async function finish(
  { shard, columns, fresh, blocks }: Draft,
  job: CaptureJob,
): Promise<{ rows: SoftLabelRows; told: string[] }> {
  for (const [row, block] of blocks) {
    const place = job.sealed.places.get(row.exampleId);
    if (place !== undefined) await takeOver(columns, { row, block, place }, job.sealed);
  }
  const told: string[] = [];
  const badExamples = new Set<string>();
  for (const row of fresh) {
    if (areFinite(columns, blocks.get(row) ?? { from: 0, count: 0 })) continue;
    told.push(job.quarantine.add(row));
    badExamples.add(row.exampleId);
  }
  const rows = labelledRows(shard.rows, columns);
  if (told.length === 0) return { rows, told };
  // Of a text that was read in windows all of them go: the mean of the others would be another text's.
  const isGood = perAnswer(shard.rows, (row) => !badExamples.has(row.exampleId));
  const good = isGood.flatMap((isTaken, at) => (isTaken ? [at] : []));
  return { rows: takeRows(rows, good), told };
}

/** An example has not as many rows in a sealed cache as it has answers. */
export class OtherAnswersError extends Failure {
  constructor({ exampleId, split }: TeacherRow, found: number, wanted: number) {
    super(
      'corrupt',
      'E_CACHE_ANSWERS',
      `${split} row ${exampleId}: the sealed cache has ${found} answers, the tokens ask for ${wanted}`,
      'check the cache with decant cache verify, and repair it with --repair',
    );
  }
}

async function takeOver(
  columns: LabelColumns,
  { row, block, place }: { row: TeacherRow; block: RowBlock; place: SealedPlace },
  sealed: Pick<SealedRows, 'read'>,
): Promise<void> {
  const wanted = row.window?.of ?? block.count;
  if (place.count !== wanted) throw new OtherAnswersError(row, place.count, wanted);
  const from = place.from + (row.window?.index ?? 0);
  copyRows(columns, block.from, await sealed.read(place), { from, count: block.count });
}

function countOf(rows: readonly TeacherRow[]) {
  return {
    rows: rows.length,
    tokens: rows.reduce((sum, row) => sum + rowLength(row), 0),
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

const PROBABILITIES =
  'the teacher gives probabilities (each row in [0, 1], adding up to 1) where logits belong: soft labels at T other than 1 would be wrong; export it without its last softmax';

const PROBABILITIES_OF_LABELS =
  'the teacher gives probabilities (all numbers in [0, 1]) where logits belong: students would learn the sigmoid of them; export it without its last sigmoid';
