import { inOrder } from '#datasets/in-order.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import { collectGarbage } from '#stages/collect-garbage.ts';
import type { StageEvent } from '#stages/stage.ts';
import { FREE_SHAPE, planSizes } from './batches.ts';
import { batchesAhead } from './batches-ahead.ts';
import {
  type Draft,
  draftOf,
  finishDraft,
  rowsAt,
  type SealedSource,
  takeAnswer,
} from './drafts.ts';
import { drawLabels, drawNames } from './draw-labels.ts';
import type { LabelColumns } from './label-columns.ts';
import type { Quarantine } from './quarantine.ts';
import type { Keep } from './settings.ts';
import type { ShardWriter } from './shard-writer.ts';
import type { Shard } from './shards.ts';
import type { Teacher, TeacherAnswer } from './teacher.ts';
import { rowLength, type TeacherRow } from './teacher-rows.ts';

/** All that is needed to fill shards. */
export interface CaptureJob {
  readonly shards: readonly Shard[];
  readonly sealed: SealedSource;
  /** undefined when every row is taken over. */
  readonly teacher: Teacher | undefined;
  readonly writer: ShardWriter;
  readonly keep: Keep;
  readonly tokenBudget: number;
  readonly maxLength: number;
  readonly quarantine: Quarantine;
  readonly signal: AbortSignal;
}

/** A batch of a shard, or the end of one. */
type Task =
  | {
      readonly type: 'batch';
      readonly draft: Draft;
      /** Of its rows in those of the draft. */
      readonly places: readonly number[];
      /** Of its rows with their padding, in tokens. */
      readonly length: number;
    }
  | { readonly type: 'end'; readonly draft: Draft };

/**
 * Runs the rows that no sealed artifact holds through the teacher and writes the shards. Batches are
 * formed inside a shard, so that a resumed run sees the same ones; while one is computed the next is
 * prepared and the shard before is written.
 */
export async function* capture(job: CaptureJob): AsyncGenerator<StageEvent, void, void> {
  const { teacher, signal } = job;
  const total = job.shards.reduce((sum, { fresh }) => sum + fresh.count, 0);
  const seen = { rows: 0, tokens: 0, padded: 0 };
  let sinceCollected = 0;
  const began = { at: performance.now(), busyMs: teacher?.busy?.().ms ?? 0 };
  const start = (task: Task): Promise<TeacherAnswer | undefined> => {
    if (task.type === 'end' || teacher === undefined) return Promise.resolve(undefined);
    return teacher.label(rowsAt(task.draft, task.places), task.length);
  };
  for await (const { item: task, result: answer } of inOrder(
    tasksOf(job),
    batchesAhead(job),
    start,
  )) {
    signal.throwIfAborted();
    if (task.type === 'end') {
      const { rows, told } = await finishDraft(task.draft, job);
      for (const message of told) yield { type: 'warning', message };
      await job.writer.write(task.draft.shard.path, rows);
      sinceCollected += task.draft.rows.length;
      if (sinceCollected > ROWS_TO_COLLECT) {
        collectGarbage();
        sinceCollected = 0;
      }
      continue;
    }
    if (answer === undefined) throw new Error('rows without a teacher');
    if (answer.looksLikeProbabilities) {
      const message = job.keep.task === undefined ? PROBABILITIES : PROBABILITIES_OF_LABELS;
      yield { type: 'warning', message };
    }
    const asked = rowsAt(task.draft, task.places);
    takeAnswer(task.draft, task.places, keptOf(answer.columns, asked, job.keep));
    const { rows, tokens } = countOf(asked);
    seen.rows += rows;
    seen.tokens += tokens;
    seen.padded += rows * task.length;
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

/** While a shard is filled the next one is read. */
async function* tasksOf(job: CaptureJob): AsyncGenerator<Task> {
  const { tokenBudget, maxLength, teacher } = job;
  const shape = teacher?.shape ?? FREE_SHAPE;
  const { classCount } = job.keep;
  const options = { tokenBudget, maxLength, shape, classCount };
  // Room for the answers of a shard is made with its first batch and not when it is read.
  const read = async (shard: Shard) => ({ shard, rows: await shard.read() });
  for await (const { shard, rows: all } of readAhead(job.shards, read)) {
    const draft = draftOf(shard, all, job);
    for (const { rows, length } of planSizes(shard.fresh, options)) {
      const places = rows.map((row) => draft.fresh[row] ?? 0);
      yield { type: 'batch', draft, places, length };
    }
    yield { type: 'end', draft };
  }
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

function countOf(rows: readonly TeacherRow[]) {
  return {
    rows: rows.length,
    tokens: rows.reduce((sum, row) => sum + rowLength(row), 0),
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** So many rows leave 10 to 20 MB behind. */
const ROWS_TO_COLLECT = 65_536;

const PROBABILITIES =
  'the teacher gives probabilities (each row in [0, 1], adding up to 1) where logits belong: soft labels at T other than 1 would be wrong; export it without its last softmax';

const PROBABILITIES_OF_LABELS =
  'the teacher gives probabilities (all numbers in [0, 1]) where logits belong: students would learn the sigmoid of them; export it without its last sigmoid';
