import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import { type SoftLabelRows, writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { type Batch, planSizes } from './batches.ts';
import type { CalibrateConfig, Calibration } from './calibrate.ts';
import { keptOf } from './capture.ts';
import { copyRows, emptyColumns, type LabelColumns, labelledRows } from './label-columns.ts';
import { attentionOf } from './largest-batch.ts';
import { openPlan, type Plan } from './plan.ts';
import type { Identity } from './provenance.ts';
import type { SoftLabelConfig } from './settings.ts';
import { featureWidths } from './shard-writer.ts';
import { joinSizes, type Shard } from './shards.ts';
import type { Teacher } from './teacher.ts';
import { openTeacherOf } from './teacher-of.ts';
import { answerCount, detached, type TeacherRow } from './teacher-rows.ts';

/** Times the real teacher on batches from all over the corpus; nothing of what it says is kept. */
export async function* runCalibrate(
  context: StageContext<CalibrateConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config, signal } = context;
  const plan = await openPlan(context, () => '');
  await plan.sealed.close();
  const teacher = await openTeacherOf(context, plan.highest, plan.keep, plan.identity);
  try {
    const batches = spread(batchesOf(plan, teacher, config.tokenBudget));
    const largest = batches.toSorted((a, b) => attentionOf(b) - attentionOf(a)).slice(0, 1);
    const said: Said[] = [];
    let saidAnswers = 0;
    const timed: Calibration['batches'] = [];
    let spentMs = 0;
    let index = -1;
    for await (const { rows: places, members, length } of withRows(
      [...largest, ...batches],
      plan,
    )) {
      signal.throwIfAborted();
      index += 1;
      const start = performance.now();
      const answer = await teacher.label(members, length);
      const ms = performance.now() - start;
      // The first one pays for the warm-up, and its memory is the peak.
      if (index === 0) continue;
      if (saidAnswers < SAMPLE_ANSWERS) {
        said.push({ places, members, columns: keptOf(answer.columns, members, plan.keep) });
        saidAnswers += members.reduce((sum, row) => sum + answerCount(row), 0);
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
    const saidRows = said.reduce((sum, { places }) => sum + places.length, 0);
    const cached = rowsOf(said, plan);
    const calibration: Calibration = {
      formatVersion: 2,
      provider: teacher.provider,
      runtime: `onnxruntime ${teacher.runtimeVersion}`,
      shape: teacher.shape,
      batches: timed,
      bytesPerRow: (await bytesOf(sample, cached, { identity: plan.identity, codec })) / saidRows,
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    };
    await writeFileAtomic(join(folder, 'calibration.json'), JSON.stringify(calibration));
  } finally {
    await teacher.close();
  }
}

/** Places of a batch are those in the corpus. */
function batchesOf(
  { shards, corpus: { maxLength }, keep: { classCount } }: Plan,
  { shape }: Teacher,
  tokenBudget: number,
): Batch[] {
  const sizes = joinSizes(shards.map(({ all }) => all));
  return planSizes(sizes, { tokenBudget, maxLength, shape, classCount });
}

/** The batches with their rows, which are read for some thousands at a time. */
async function* withRows(batches: readonly Batch[], { shards }: Plan) {
  for (let next = 0; next < batches.length; ) {
    const some: Batch[] = [];
    for (let rows = 0; rows < ROWS_AT_ONCE && next < batches.length; next++) {
      const batch = batches[next];
      if (batch !== undefined) some.push(batch);
      rows += batch?.rows.length ?? 0;
    }
    const read = await readRows(new Set(some.flatMap(({ rows }) => rows)), shards);
    for (const batch of some) {
      yield { ...batch, members: batch.rows.flatMap((place) => read.get(place) ?? []) };
    }
  }
}

/** The rows at these places in the corpus. */
async function readRows(
  places: ReadonlySet<number>,
  shards: readonly Shard[],
): Promise<ReadonlyMap<number, TeacherRow>> {
  const found = new Map<number, TeacherRow>();
  let first = 0;
  for await (const rows of readAhead(shards, (shard) => shard.read())) {
    for (const [at, row] of rows.entries()) {
      if (places.has(first + at)) found.set(first + at, detached(row));
    }
    first += rows.length;
  }
  return found;
}

/** The same batches in an order of which every beginning is spread over all lengths. */
function spread<T>(items: readonly T[]): T[] {
  // The multiples of the golden ratio below any bound have gaps of at most three sizes.
  const placed = items.map((item, index) => ({ item, place: (index * GOLDEN_RATIO) % 1 }));
  return placed.sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** What the teacher said about a batch, which may be more than was asked. */
interface Said {
  readonly places: readonly number[];
  readonly members: readonly TeacherRow[];
  readonly columns: LabelColumns;
}

/** All of it as rows of the cache: in the order of the corpus, where the windows of a text stand together. */
function rowsOf(said: readonly Said[], { keep }: Plan): SoftLabelRows {
  const answers = said
    .flatMap(({ places, members, columns }) => {
      let end = 0;
      return places.flatMap((place, at) => {
        const row = members[at];
        if (row === undefined) return [];
        const [from, count] = [end, answerCount(row)];
        end += count;
        return { place, row, columns, from, count };
      });
    })
    .sort((a, b) => a.place - b.place);
  const asked = emptyColumns(
    answers.reduce((sum, { count }) => sum + count, 0),
    keep,
  );
  let filled = 0;
  for (const { columns, from, count } of answers) {
    copyRows(asked, filled, columns, { from, count });
    filled += count;
  }
  return labelledRows(
    answers.map(({ row }) => row),
    asked,
  );
}

/** Bytes that these rows take up on the disk, footer and all. */
async function bytesOf(
  path: string,
  rows: SoftLabelRows,
  { identity, codec }: { readonly identity: Identity; readonly codec: SoftLabelConfig['codec'] },
): Promise<number> {
  const hidden = featureWidths(rows);
  const meta = { ...identity, ...(hidden && { hidden }), provider: '', runtime: '' };
  await writeSoftLabelShard(path, rows, meta, codec);
  return (await stat(path)).size;
}

const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;
const SAMPLE_ANSWERS = 4096;
const ROWS_AT_ONCE = 32_768;
