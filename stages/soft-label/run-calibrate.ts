import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import {
  concatRows,
  type SoftLabelRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { planRows } from './batches.ts';
import type { CalibrateConfig, Calibration } from './calibrate.ts';
import { keptOf } from './capture.ts';
import { copyRows, emptyColumns, type LabelColumns, labelledRows } from './label-columns.ts';
import { openPlan, type Plan } from './plan.ts';
import type { Identity } from './provenance.ts';
import { type SoftLabelConfig } from './settings.ts';
import { featureWidths } from './shard-writer.ts';
import type { Teacher } from './teacher.ts';
import { openTeacherOf } from './teacher-of.ts';
import { answerCount, type TeacherRow } from './teacher-rows.ts';

/** Times the real teacher on batches from all over the corpus; nothing of what it says is kept. */
export async function* runCalibrate(
  context: StageContext<CalibrateConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config, signal } = context;
  const plan = await openPlan(context, () => '');
  await plan.sealed.close();
  const rows = plan.shards.flatMap((shard) => shard.rows);
  const teacher = await openTeacherOf(context, rows, plan.keep, plan.identity);
  try {
    const batches = spread(batchesOf(rows, plan, teacher, config.tokenBudget));
    const largest = batches.toSorted((a, b) => sizeOf(b) - sizeOf(a)).slice(0, 1);
    const said: SoftLabelRows[] = [];
    let saidRows = 0;
    let saidAnswers = 0;
    const timed: Calibration['batches'] = [];
    let spentMs = 0;
    for (const [index, { members, length }] of [...largest, ...batches].entries()) {
      signal.throwIfAborted();
      const start = performance.now();
      const answer = await teacher.label(members, length);
      const ms = performance.now() - start;
      // The first one pays for the warm-up, and its memory is the peak.
      if (index === 0) continue;
      if (saidAnswers < SAMPLE_ANSWERS) {
        const rows = rowsOf(members, answer.columns, plan);
        said.push(rows);
        saidRows += members.length;
        saidAnswers += rows.rowCount;
      }
      timed.push({ paddedTokens: members.length * length, ms });
      spentMs += ms;
      const detail = `${(spentMs / 1000).toFixed(0)} of ${config.seconds} s`;
      yield { type: 'progress', done: index, total: batches.length, unit: 'batches', detail };
      if (spentMs >= config.seconds * 1000) break;
    }
    const folder = outputOf(context, 'calibration');
    const sample = join(folder, 'sample.parquet');
    const { codec } = config;
    const calibration: Calibration = {
      formatVersion: 1,
      provider: teacher.provider,
      runtime: `onnxruntime ${teacher.runtimeVersion}`,
      shape: teacher.shape,
      batches: timed,
      bytesPerRow: (await bytesOf(sample, said, { identity: plan.identity, codec })) / saidRows,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    };
    await writeFileAtomic(join(folder, 'calibration.json'), JSON.stringify(calibration));
  } finally {
    await teacher.close();
  }
}

interface TimedBatch {
  readonly members: readonly TeacherRow[];
  readonly length: number;
}

function batchesOf(
  rows: readonly TeacherRow[],
  { corpus: { maxLength }, keep: { classCount } }: Plan,
  { shape }: Teacher,
  tokenBudget: number,
): TimedBatch[] {
  return planRows(rows, { tokenBudget, maxLength, shape, classCount }).map((batch) => ({
    members: batch.rows.flatMap((row) => rows[row] ?? []),
    length: batch.length,
  }));
}

/** What grows fastest with a batch: its matrices of attention. */
function sizeOf({ members, length }: TimedBatch): number {
  return members.length * length ** 2;
}

/** The same batches in an order of which every beginning is spread over all lengths. */
function spread<T>(items: readonly T[]): T[] {
  // The multiples of the golden ratio below any bound have gaps of at most three sizes.
  const placed = items.map((item, index) => ({ item, place: (index * GOLDEN_RATIO) % 1 }));
  return placed.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** What the teacher said about a batch, as rows of the cache. It may have answered more than was asked. */
function rowsOf(
  members: readonly TeacherRow[],
  columns: LabelColumns,
  { keep }: Plan,
): SoftLabelRows {
  const count = members.reduce((sum, row) => sum + answerCount(row), 0);
  const asked = emptyColumns(count, keep);
  copyRows(asked, 0, keptOf(columns, members, keep), { from: 0, count });
  return labelledRows(members, asked);
}

/** Bytes that these rows take up on the disk, footer and all. */
async function bytesOf(
  path: string,
  parts: readonly SoftLabelRows[],
  { identity, codec }: { readonly identity: Identity; readonly codec: SoftLabelConfig['codec'] },
): Promise<number> {
  const rows = concatRows(parts);
  const hidden = featureWidths(rows);
  const meta = { ...identity, ...(hidden && { hidden }), provider: '', runtime: '' };
  await writeSoftLabelShard(path, rows, meta, codec);
  return (await stat(path)).size;
}

const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;
const SAMPLE_ANSWERS = 4096;
