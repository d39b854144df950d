/**
 * `npm run bench:size`: bytes a row of every form of soft labels, everything included, and what the
 * rounded forms lose. Banking77 is its real teacher on 8,954 train rows; the wide rows are synthetic:
 * class ids by Zipf's law over 150,000 classes, a random tail.
 */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { joinNumbers } from '#datasets/parquet/columns.ts';
import { logSumExpOf } from '#datasets/soft-labels/log-normalisers.ts';
import {
  concatRows,
  openSoftLabels,
  type SampledColumns,
  type SoftLabelMeta,
  type SoftLabelRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { forwardKl } from '#stages/numerics/divergence.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { float32Of, openSession } from '#stages/onnx/session.ts';
import { tokenRow } from '#stages/onnx/token-batches.ts';
import { servedLabels } from '#stages/soft-label/served-labels.ts';
import { keepOf, softLabelConfig } from '#stages/soft-label/settings.ts';
import { softTargetsOf } from '#stages/train-student/targets/soft-targets.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { sampleInputs } from '#tests/support/sample-inputs.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { DECODED, tiedDecoder, VOCABULARY } from '#tests/support/tied-decoder.ts';

const CLASSES = 150_000;
/** What the hex id takes, compressed. */
const ID_BYTES = 18;
const root = temporaryFolder('decant-size');

await banking77();
await languageModel();
await wideVocabulary();

/** k = 10 of 77, three temperatures. */
async function banking77(): Promise<void> {
  const { softLabels } = sampleInputs('banking77', { keep: 'all', temperatures: [1, 2, 4] });
  const dense = await readAll(softLabels['rows/train'] ?? '');
  const exact = served(dense, { topK: 10 });
  await tell('banking77, k = 10 of 77, T = 1, 2, 4', [
    ['float32', exact, 84],
    ['compact', served(dense, { topK: 10, precision: 'compact' }), 66],
    ['small', served(dense, { topK: 10, precision: 'small' }), undefined],
    ['all 77 logits', dense, undefined],
    ['50 draws', served(dense, { keep: 'sampled', temperatures: [1] }), undefined],
  ]);
  for (const precision of ['compact', 'small'] as const) {
    const rounded = await stored({ ...exact, meta: { ...exact.meta, precision } });
    for (const temperature of exact.meta.temperatures) {
      const { mean, largest } = divergence(exact, rounded, temperature);
      console.log(
        `  KL(float32 || ${precision}) at T = ${temperature}: mean ${mean.toExponential(1)}, largest ${largest.toExponential(1)} nat`,
      );
    }
    const same = exact.rows.topIds.every((id, at) => id === rounded.rows.topIds[at]);
    console.log(`  top-1 agreement of ${precision}: ${same ? '100 %' : 'NOT 100 %'}`);
  }
}

/**
 * k = 32 of 30,522, a row a token: the sample's encoder with its own word embeddings as decoder, which is
 * the head of a masked language model but for its one dense layer.
 */
async function languageModel(): Promise<void> {
  const model = join(sampleFolder('banking77'), 'teacher', 'onnx', 'model.onnx');
  const session = await openSession(model, { device: 'cpu', appendix: tiedDecoder() });
  const { prepared } = sampleInputs('banking77', { keep: 'all', temperatures: [1] });
  const table = await readTokens(prepared['tokens/teacher/test'] ?? '');
  const logits: Float32Array[] = [];
  for (let row = 0; row < 40; row++) {
    const { tokenIds } = tokenRow(table, row * 70);
    const dims = [1, tokenIds.length];
    const ids = BigInt64Array.from(tokenIds, BigInt);
    const filled = (value: bigint) => new BigInt64Array(ids.length).fill(value);
    const feeds = {
      input_ids: { type: 'int64', data: ids, dims },
      attention_mask: { type: 'int64', data: filled(1n), dims },
      token_type_ids: { type: 'int64', data: filled(0n), dims },
    } as const;
    logits.push(float32Of(await session.run(feeds, [DECODED]), DECODED).slice());
  }
  await session.close();
  const classNames = Array.from({ length: VOCABULARY }, (_, id) => `${id}`);
  const exact = served(denseCache(joinNumbers(logits, Float32Array), classNames), { topK: 32 });
  await tell('masked language model, k = 32 of 30,522, T = 1', [
    ['float32', exact, undefined],
    ['compact', { ...exact, meta: { ...exact.meta, precision: 'compact' } }, undefined],
    ['small', { ...exact, meta: { ...exact.meta, precision: 'small' } }, undefined],
  ]);
  for (const precision of ['compact', 'small'] as const) {
    const rounded = await stored({ rows: exact.rows, meta: { ...exact.meta, precision } });
    const { mean, largest } = divergence(exact, rounded, 1);
    console.log(
      `  KL(float32 || ${precision}) over ${exact.rows.rowCount} tokens: mean ${mean.toExponential(1)}, largest ${largest.toExponential(1)} nat`,
    );
  }
}

function denseCache(logits: Float32Array, classNames: readonly string[]): Cache {
  const random = randomFor(1, 'ids');
  const rowCount = logits.length / classNames.length;
  const row = (index: number) =>
    logits.subarray(index * classNames.length, (index + 1) * classNames.length);
  const rows = Array.from({ length: rowCount }, (_, index) => index);
  const { meta } = wideRows(1, 1);
  return {
    meta: { ...meta, classNames, mode: 'dense', topK: null },
    rows: {
      rowCount,
      exampleIds: rows.map(() => hex(random)),
      splits: rows.map(() => 'train'),
      sourceIds: rows.map(() => null),
      topIds: new Int32Array(),
      topLogits: new Float32Array(),
      logits,
      logSumExp: [Float32Array.from(rows, (index) => logSumExpOf(row(index)))],
      tailLogMass: [],
      entropyNats: new Float32Array(rowCount),
    },
  };
}

/** k = 64 of 150,000, T = 1. */
async function wideVocabulary(): Promise<void> {
  const exact = wideRows(20_000, 64);
  const { meta, rows, drawn } = exact;
  const sampled = { ...meta, mode: 'sampled', topK: null, samples: 50 } as const;
  const none = { topIds: new Int32Array(), topLogits: new Float32Array() };
  await tell('synthetic, 150,000 classes, T = 1', [
    ['k = 64, float32', exact, 385],
    ['k = 64, compact', { meta: { ...meta, precision: 'compact' }, rows }, 310],
    ['k = 64, small', { meta: { ...meta, precision: 'small' }, rows }, 240],
    ['50 draws', { meta: sampled, rows: { ...rows, ...none, sampled: drawn } }, 40 + ID_BYTES],
  ]);
  console.log(`  ${(drawn.ids.length / rows.rowCount).toFixed(1)} different classes in 50 draws`);
  for (const precision of ['compact', 'small'] as const) {
    const rounded = await stored({ rows, meta: { ...meta, precision } });
    const { mean, largest } = divergence(exact, rounded, 1);
    console.log(
      `  KL(float32 || ${precision}): mean ${mean.toExponential(1)}, largest ${largest.toExponential(1)} nat`,
    );
  }
}

interface Cache {
  readonly meta: SoftLabelMeta;
  readonly rows: SoftLabelRows;
}

async function tell(
  title: string,
  caches: readonly (readonly [what: string, cache: Cache, limit: number | undefined])[],
): Promise<void> {
  console.log(`\n${title}: bytes a row (zstd), the class list in the footer left out`);
  for (const [what, cache, limit] of caches) {
    const bytes = await bytesOf(cache);
    const aim = limit === undefined ? '' : `  (at most ${limit})`;
    console.log(`  ${what.padEnd(18)} ${bytes.toFixed(1).padStart(7)}${aim}`);
  }
}

/** One file of all rows; a file without rows stands for what the footer takes. */
async function bytesOf({ meta, rows }: Cache): Promise<number> {
  const [path, empty] = [join(root, 'rows.parquet'), join(root, 'empty.parquet')];
  await writeSoftLabelShard(path, rows, meta);
  await writeSoftLabelShard(empty, concatRows([{ ...rows, ...noRows(rows) }]), meta);
  return (statSync(path).size - statSync(empty).size) / rows.rowCount;
}

function noRows(rows: SoftLabelRows): SoftLabelRows {
  const floats = new Float32Array();
  return {
    rowCount: 0,
    exampleIds: [],
    splits: [],
    sourceIds: [],
    topIds: new Int32Array(),
    topLogits: floats,
    logits: floats,
    logSumExp: rows.logSumExp.map(() => floats),
    tailLogMass: rows.tailLogMass.map(() => floats),
    entropyNats: floats,
    ...(rows.sampled && {
      sampled: {
        offsets: Int32Array.of(0),
        ids: new Int32Array(),
        counts: new Int32Array(),
        confidence: floats,
      },
    }),
  };
}

/** The rows as a file gives them back. */
async function stored({ meta, rows }: Cache): Promise<Cache> {
  const folder = join(root, meta.precision);
  mkdirSync(folder, { recursive: true });
  await writeSoftLabelShard(join(folder, 'part-00000.parquet'), rows, meta);
  return readAll(folder);
}

async function readAll(folder: string): Promise<Cache> {
  const reader = await openSoftLabels(folder);
  try {
    const parts: SoftLabelRows[] = [];
    for await (const rows of reader.rows()) parts.push(rows);
    return { meta: reader.meta, rows: concatRows(parts) };
  } finally {
    await reader.close();
  }
}

/** What the soft-label stage makes of a dense cache. */
function served({ meta, rows }: Cache, settings: object): Cache {
  const temperatures = meta.temperatures;
  const keep = keepOf(softLabelConfig.parse({ temperatures, ...settings }), meta.classNames.length);
  const { drawn, ...columns } = servedLabels(rows, meta, keep);
  const sampled = drawn && joined(drawn.flatMap((row) => row ?? []));
  return {
    meta: {
      ...meta,
      mode: keep.mode,
      topK: keep.topK ?? null,
      temperatures: keep.temperatures,
      precision: keep.precision,
      ...(keep.samples !== undefined && { samples: keep.samples }),
    },
    rows: { ...rows, ...columns, ...(sampled && { sampled }) },
  };
}

/** Teacher against rounded teacher over the top k and the tail, as a student sees them. */
function divergence(exact: Cache, rounded: Cache, temperature: number) {
  const [left, right] = [exact, rounded].map(({ rows, meta }) =>
    softTargetsOf(rows, meta, temperature),
  );
  const logs = (target: ReturnType<NonNullable<typeof left>> | undefined) =>
    target?.type === 'top-k' ? normalised([...target.topLogProbs, target.tailLogMass]) : [];
  const all = exact.rows.exampleIds.map((_, row) =>
    forwardKl(logs(left?.(row)), logs(right?.(row))),
  );
  const mean = all.reduce((sum, kl) => sum + kl, 0) / all.length;
  return { mean, largest: Math.max(...all) };
}

/** Without the float32 rounding of the stored normaliser, which is larger than what is measured here. */
function normalised(logs: readonly number[]): number[] {
  const total = Math.log(logs.reduce((sum, log) => sum + Math.exp(log), 0));
  return logs.map((log) => log - total);
}

/** Rows whose sharpness varies, and draws from them. */
function wideRows(rowCount: number, k: number): Cache & { readonly drawn: SampledColumns } {
  const random = randomFor(1, 'wide rows');
  const classId = zipf(random);
  const logProbs = new Float32Array(rowCount * k);
  const topIds = new Int32Array(rowCount * k);
  const tails = new Float32Array(rowCount);
  const drawn = [];
  for (let row = 0; row < rowCount; row++) {
    const ids = new Set<number>();
    while (ids.size < k) ids.add(classId());
    // As sharp as language models are in "Sparse Logit Sampling": 12 different classes in 50 draws.
    const tail = Math.min(0.6, 0.002 + 0.3 * random() * random());
    const logs = descending(k, 1 + 2.5 * random(), random);
    const normaliser = Math.log(logs.reduce((sum, log) => sum + Math.exp(log), 0) / (1 - tail));
    topIds.set([...ids], row * k);
    logProbs.set(
      logs.map((log) => log - normaliser),
      row * k,
    );
    tails[row] = Math.log(tail);
    drawn.push(drawnRow([...ids], logProbs.subarray(row * k, (row + 1) * k), random, classId));
  }
  const meta: SoftLabelMeta = {
    formatVersion: 1,
    mode: 'top-k',
    topK: k,
    temperatures: [1],
    classNames: Array.from({ length: CLASSES }, (_, id) => `${id}`),
    fingerprint: 'f'.repeat(64),
    teacherDigest: 'a'.repeat(64),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 512,
    provider: 'none',
    runtime: 'none',
    precision: 'float32',
  };
  // The normaliser of real logits is as random as any float; here it is what the logits are shifted by.
  const logSumExp = Float32Array.from({ length: rowCount }, () => 12 + 6 * random());
  const rows: SoftLabelRows = {
    rowCount,
    exampleIds: Array.from({ length: rowCount }, () => hex(random)),
    splits: Array.from({ length: rowCount }, () => 'train'),
    sourceIds: Array.from({ length: rowCount }, () => null),
    topIds,
    topLogits: logProbs.map((log, at) => log + (logSumExp[Math.floor(at / k)] ?? 0)),
    logits: new Float32Array(),
    logSumExp: [logSumExp],
    tailLogMass: [tails],
    entropyNats: Float32Array.from({ length: rowCount }, () => 4 * random()),
  };
  return { meta, rows, drawn: joined(drawn) };
}

/** Sorted values with an exponential tail (Renyi's spacings). */
function descending(k: number, scale: number, random: () => number): number[] {
  let log = 0;
  return Array.from({ length: k }, (_, place) => {
    if (place > 0) log += (scale * Math.log(1 - random())) / place;
    return log;
  });
}

function drawnRow(
  ids: number[],
  logProbs: Float32Array,
  random: () => number,
  other: () => number,
) {
  const counts = new Map<number, number>([[ids[0] ?? 0, 0]]);
  for (let draw = 0; draw < 50; draw++) {
    let left = random();
    const place = logProbs.findIndex((log) => (left -= Math.exp(log)) < 0);
    const id = ids[place] ?? other();
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const [best = [0, 0], ...others] = counts;
  const ordered = [best, ...others.sort(([a, m], [b, n]) => n - m || a - b)];
  return {
    ids: Int32Array.from(ordered, ([id]) => id),
    counts: Int32Array.from(ordered, ([, count]) => count),
    confidence: Math.exp(logProbs[0] ?? 0),
  };
}

function joined(
  rows: readonly {
    readonly ids: Int32Array;
    readonly counts: Int32Array;
    readonly confidence: number;
  }[],
): SampledColumns {
  let end = 0;
  return {
    offsets: Int32Array.of(0, ...rows.map(({ ids }) => (end += ids.length))),
    ids: Int32Array.from(rows.flatMap(({ ids }) => [...ids])),
    counts: Int32Array.from(rows.flatMap(({ counts }) => [...counts])),
    confidence: Float32Array.from(rows, ({ confidence }) => confidence),
  };
}

/** Class ids by Zipf's law with exponent 1.05. */
function zipf(random: () => number): () => number {
  const sums = new Float64Array(CLASSES);
  let total = 0;
  for (let id = 0; id < CLASSES; id++) sums[id] = total += (id + 3.7) ** -1.05;
  return () => {
    const point = random() * total;
    let [low, high] = [0, CLASSES - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < point) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function hex(random: () => number): string {
  return Array.from({ length: 8 }, () =>
    Math.floor(random() * 65_536)
      .toString(16)
      .padStart(4, '0'),
  ).join('');
}
