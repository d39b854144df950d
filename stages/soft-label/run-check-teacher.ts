import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { SPLITS } from '#datasets/example.ts';
import { FIXED_POINTS } from '#datasets/fixed-point.ts';
import { MissingExampleError } from '#datasets/row-index.ts';
import {
  concatRows,
  openSoftLabels,
  type SoftLabelMeta,
  type SoftLabelRows,
  takeRows,
} from '#datasets/soft-labels/soft-labels.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { randomFor, shuffle } from '#stages/numerics/random.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { type Batch, planRows } from './batches.ts';
import { type CheckConfig, type TeacherCheck } from './check-teacher.ts';
import { type Keep } from './settings.ts';
import type { Teacher } from './teacher.ts';
import { blocksOf, openTeacherCorpus } from './teacher-corpus.ts';
import { type RowDifference, rowDifferences } from './teacher-differences.ts';
import { openTeacherOf } from './teacher-of.ts';
import { detached, type TeacherRow } from './teacher-rows.ts';

/** Asks the teacher again about some rows of a sealed cache and says how far the answers are apart. */
export async function* runCheckTeacher(
  context: StageContext<CheckConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const sample = await sampleRows(context);
  const { meta, rows } = sample;
  const keep: Keep = {
    mode: 'dense',
    topK: undefined,
    samples: undefined,
    precision: 'float32',
    temperatures: meta.temperatures,
    classCount: meta.classNames.length,
    ...(meta.task && { task: meta.task }),
  };
  const { config, signal } = context;
  const asked = await teacherRows(context, sample);
  const teacher = await openTeacherOf(context, asked, keep, meta);
  try {
    const differences: RowDifference[] = [];
    const differenceOf = rowDifferences(rows, meta);
    let done = 0;
    for (const batch of batchesOf(asked, teacher, meta, config)) {
      signal.throwIfAborted();
      const logits = await logitsOf(batch, asked, teacher);
      for (const [index, place] of batch.rows.entries()) {
        differences[place] = differenceOf(place, logits(index));
      }
      done += batch.rows.length;
      yield { type: 'progress', done, total: rows.rowCount, unit: 'rows' };
    }
    const check = checkOf(rows, meta, teacher, differences);
    const path = join(outputOf(context, 'check'), 'check.json');
    await writeFileAtomic(path, `${JSON.stringify(check, null, 1)}\n`);
  } finally {
    await teacher.close();
  }
}

interface Sample {
  readonly meta: SoftLabelMeta;
  readonly rows: SoftLabelRows;
}

/** The same share of every shard, so that no more than one shard is in memory. */
async function sampleRows(context: StageContext<CheckConfig>): Promise<Sample> {
  const { share, seed } = context.config;
  const random = randomFor(seed, 'check-teacher');
  const parts: SoftLabelRows[] = [];
  let meta: SoftLabelMeta | undefined;
  for (const split of SPLITS) {
    const reader = await openSoftLabels(inputOf(context, `rows/${split}`));
    meta ??= reader.meta;
    try {
      for (const index of reader.shards.keys()) {
        const shard = await reader.readShard(index);
        const positions = shuffle(shard.exampleIds.keys(), random);
        parts.push(takeRows(shard, positions.slice(0, Math.ceil(share * shard.rowCount))));
      }
    } finally {
      await reader.close();
    }
  }
  if (meta === undefined) throw new RangeError('no split');
  return { meta, rows: concatRows(parts) };
}

/** The sampled rows as the teacher sees them, in the order of the sample. */
async function teacherRows(
  context: StageContext<CheckConfig>,
  { meta, rows }: Sample,
): Promise<TeacherRow[]> {
  const corpus = await openTeacherCorpus(context, meta.maxLength);
  const nameOf = (exampleId: string, window: number | undefined) =>
    window === undefined ? exampleId : `${exampleId}/${window}`;
  const names = rows.exampleIds.map((exampleId, row) =>
    nameOf(exampleId, corpus.perWindow ? rows.positions?.[row] : undefined),
  );
  const wanted = new Set(names);
  const found = new Map<string, TeacherRow>();
  for (const split of corpus.splits) {
    for await (const block of blocksOf(split)) {
      for (const row of block) {
        const { exampleId, window }: TeacherRow = row;
        const name = nameOf(exampleId, window?.index);
        if (wanted.has(name)) found.set(name, detached(row));
      }
    }
  }
  return names.map((name, at) => {
    const row = found.get(name);
    if (row === undefined) throw new MissingExampleError('tokens/teacher', name);
    return oneAnswer(row, rows.positions?.[at]);
  });
}

/** The row with the answer of this position alone. */
function oneAnswer(row: TeacherRow, position: number | undefined): TeacherRow {
  if (row.answers === undefined || position === undefined) return row;
  const place = row.answers.positions.indexOf(position);
  const [at, positions] = [row.answers.at, row.answers.positions].map((values) =>
    values.slice(place, place + 1),
  );
  if (at === undefined || positions === undefined) return row;
  return { ...row, answers: { at, positions } };
}

function batchesOf(
  asked: readonly TeacherRow[],
  { shape }: Teacher,
  { maxLength, classNames: { length: classCount } }: SoftLabelMeta,
  { tokenBudget: budget }: CheckConfig,
): Batch[] {
  return planRows(asked, { tokenBudget: budget, maxLength, shape, classCount });
}

/** The teacher's logits of each row of a batch, [classCount]. */
async function logitsOf(batch: Batch, asked: readonly TeacherRow[], teacher: Teacher) {
  const rows = batch.rows.flatMap((place) => asked[place] ?? []);
  const { columns } = await teacher.label(rows, batch.length);
  const width = columns.logits.length / columns.entropyNats.length;
  return (index: number) => columns.logits.subarray(index * width, (index + 1) * width);
}

function checkOf(
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
  { provider, runtimeVersion }: Teacher,
  differences: readonly RowDifference[],
): TeacherCheck {
  const sum = (key: 'sumDp' | 'compared') =>
    differences.reduce((total, one) => total + one[key], 0);
  const ranked = [...differences.entries()].sort(([, a], [, b]) => b.maxDp - a.maxDp);
  const nameOf = (id: number) => meta.classNames[id] ?? '';
  return {
    rows: differences.length,
    top1Differences: differences.filter((one) => one.cachedClass !== one.teacherClass).length,
    maxDp: ranked[0]?.[1].maxDp ?? 0,
    rounding: roundingOf(meta),
    meanDp: sum('compared') === 0 ? 0 : sum('sumDp') / sum('compared'),
    cached: { provider: meta.provider, runtime: meta.runtime },
    teacher: { provider, runtime: `onnxruntime ${runtimeVersion}` },
    worst: ranked.slice(0, WORST_ROWS).map(([place, one]) => ({
      split: rows.splits[place] ?? '',
      exampleId: rows.exampleIds[place] ?? '',
      maxDp: one.maxDp,
      cachedClass: nameOf(one.cachedClass),
      teacherClass: nameOf(one.teacherClass),
    })),
  };
}

/** Half a step of a rounded log-probability, as a difference of a probability near 1. */
function roundingOf({ precision }: SoftLabelMeta): number {
  return precision === 'float32' ? 0 : Math.expm1(0.5 / FIXED_POINTS[precision].scale);
}

const WORST_ROWS = 10;
