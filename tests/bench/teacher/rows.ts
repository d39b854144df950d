import { join } from 'node:path';
import { readClasses } from '#datasets/classes.ts';
import type { SoftLabelMeta } from '#datasets/soft-labels/soft-labels.ts';
import { prepare } from '#stages/prepare/index.ts';
import { type Batch, type BatchShape, planRows } from '#stages/soft-label/batches.ts';
import { type CaptureJob, capture } from '#stages/soft-label/capture.ts';
import { Quarantine } from '#stages/soft-label/quarantine.ts';
import { type Keep, softLabelConfig } from '#stages/soft-label/settings.ts';
import { openShardWriter } from '#stages/soft-label/shard-writer.ts';
import { type Shard, shardOf } from '#stages/soft-label/shards.ts';
import type { Teacher } from '#stages/soft-label/teacher.ts';
import { blocksOf, openTeacherCorpus } from '#stages/soft-label/teacher-corpus.ts';
import { detached, type TeacherRow } from '#stages/soft-label/teacher-rows.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { sampleFiles } from '#tests/support/prepare-run.ts';
import { runStage } from '#tests/support/run-stage.ts';

/** The shipped sample as its teacher sees it. */
export interface BenchSample {
  readonly model: string;
  /** Of its train split. */
  readonly rows: readonly TeacherRow[];
  readonly classNames: readonly string[];
}

export const settings = softLabelConfig.parse({});

export async function benchSample(): Promise<BenchSample> {
  const prepared = await runStage(prepare, { files: sampleFiles('banking77') });
  const context = {
    config: {},
    files: {},
    inputs: prepared.outputs,
    outputs: {},
    earlier: [],
    recipe: {},
    recomputeTeacher: false,
    signal: new AbortController().signal,
  };
  const corpus = await openTeacherCorpus(context, settings.maxLength);
  const rows: TeacherRow[] = [];
  for (const split of corpus.splits.filter((one) => one.split === 'train')) {
    for await (const block of blocksOf(split)) rows.push(...block.map(detached));
  }
  return {
    model: join(sampleFolder('banking77'), 'teacher', 'onnx', 'model.onnx'),
    rows,
    classNames: await readClasses(prepared.outputs['classes'] ?? ''),
  };
}

/** Rows of one to six texts end to end, as many of each: lengths as mixed as those of running text. */
export function mixedRows(rows: readonly TeacherRow[], count: number): TeacherRow[] {
  let next = 0;
  return Array.from({ length: count }, (_, index) => {
    const texts = Array.from({ length: 1 + (index % 6) }, () => rows[next++ % rows.length]);
    const ids = texts.flatMap((row) => [...(row?.tokenIds ?? [])].slice(1, -1));
    const [first = 0, last = 0] = [rows[0]?.tokenIds.at(0), rows[0]?.tokenIds.at(-1)];
    const tokenIds = Int32Array.from([first, ...ids.slice(0, settings.maxLength - 2), last]);
    const exampleId = index.toString(16).padStart(32, '0');
    return { exampleId, split: 'train', sourceId: null, text: null, tokenIds, typeIds: null };
  });
}

/** The row with an answer for each of its tokens. */
export function perToken(row: TeacherRow): TeacherRow {
  const { exampleId, split, sourceId, text, tokenIds, typeIds } = row;
  const at = Int32Array.from(tokenIds, (_, place) => place);
  const answers = { at, positions: at };
  return { exampleId, split, sourceId, text, tokenIds, typeIds, answers };
}

/** Batches of rows as the stage forms them inside a shard, for a teacher of so many classes and such a shape. */
export function batchesOf(
  rows: readonly TeacherRow[],
  classCount: number,
  shape: BatchShape,
): { members: TeacherRow[]; length: number }[] {
  const { tokenBudget, maxLength } = settings;
  const planned: Batch[] = planRows(rows, { tokenBudget, maxLength, shape, classCount });
  return planned.map((batch) => ({
    members: batch.rows.flatMap((row) => rows[row] ?? []),
    length: batch.length,
  }));
}

/** A shard whose rows are there already. */
export interface BenchShard extends Shard {
  readonly rows: readonly TeacherRow[];
}

export function shardsOf(rows: readonly TeacherRow[], folder: string): BenchShard[] {
  const count = Math.ceil(rows.length / settings.shardRows);
  return Array.from({ length: count }, (_, index) => {
    const own = rows.slice(index * settings.shardRows, (index + 1) * settings.shardRows);
    const path = join(folder, `part-${index}.parquet`);
    return { ...shardOf(own, { split: 'train', path, read: async () => own }), rows: own };
  });
}

/** From tokens to committed zstd shards. Milliseconds. */
export async function timeCapture(
  shards: readonly Shard[],
  teacher: Teacher,
  what: {
    readonly keep: Keep;
    readonly classNames: readonly string[];
    readonly perToken?: boolean;
  },
): Promise<number> {
  const start = performance.now();
  const writer = openShardWriter(metaOf(what), settings.codec);
  const job: CaptureJob = {
    shards,
    sealed: { places: new Map(), read: () => Promise.reject(new Error('nothing is sealed')) },
    teacher,
    writer,
    keep: what.keep,
    tokenBudget: settings.tokenBudget,
    maxLength: settings.maxLength,
    quarantine: new Quarantine(shards.reduce((sum, shard) => sum + shard.all.count, 0)),
    signal: new AbortController().signal,
  };
  for await (const _ of capture(job));
  await writer.close();
  return performance.now() - start;
}

function metaOf({
  keep,
  classNames,
  perToken = false,
}: Parameters<typeof timeCapture>[2]): SoftLabelMeta {
  return {
    formatVersion: 1,
    mode: keep.mode,
    topK: keep.topK ?? null,
    temperatures: keep.temperatures,
    classNames,
    fingerprint: 'bench',
    teacherDigest: 'bench',
    tokenizerDigest: 'bench',
    maxLength: settings.maxLength,
    provider: 'cpu',
    runtime: 'bench',
    precision: 'float32',
    ...(perToken && { perToken }),
  };
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Times each contender once a round, taking turns; the first round warms up. Milliseconds. */
export async function takeTurns(
  contenders: Readonly<Record<string, () => Promise<number>>>,
  rounds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, measure] of Object.entries(contenders)) {
      const ms = await measure();
      if (round > 0) times.get(name)?.push(ms);
    }
  }
  return times;
}
