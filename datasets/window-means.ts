import { exampleStarts } from './example-blocks.ts';
import { classProbabilities } from './soft-labels/class-probabilities.ts';
import type { SoftLabelMeta } from './soft-labels/soft-label-meta.ts';
import type { SampledColumns, SoftLabelRows } from './soft-labels/soft-label-rows.ts';
import { openSoftLabels, type SoftLabelReader } from './soft-labels/soft-labels.ts';

/** Soft labels with one row an example. Close it. */
export interface ExampleLabels {
  readonly meta: SoftLabelMeta;
  rows(): AsyncGenerator<SoftLabelRows>;
  close(): Promise<void>;
}

/** Opens a folder of shards. Windows of a text are averaged, and then tell of temperature 1 alone. */
export async function openExampleLabels(folder: string): Promise<ExampleLabels> {
  const reader = await openSoftLabels(folder);
  if (!reader.meta.perWindow) return reader;
  return {
    meta: metaOfMeans(reader.meta),
    rows: () => meansOf(reader),
    close: () => reader.close(),
  };
}

/** What the means of the windows of a cache like this are. */
export function metaOfMeans(meta: SoftLabelMeta): SoftLabelMeta {
  const { perWindow: _windows, hidden: _hidden, ...rest } = meta;
  return { ...rest, temperatures: [1], precision: 'float32' };
}

/**
 * The mean of the probabilities that a text's windows have, one row an example, at T = 1. Its logits are log
 * p. All windows of an example must be among the rows. Classes outside a window's top k share its tail evenly.
 */
export function windowMeans(rows: SoftLabelRows, meta: SoftLabelMeta): SoftLabelRows {
  const starts = exampleStarts(rows.exampleIds);
  const blocks = starts.slice(1).map((end, index) => ({ from: starts[index] ?? 0, end }));
  const first = <T>(values: readonly T[]) =>
    blocks.flatMap(({ from }) => values.slice(from, from + 1));
  const examples = {
    rowCount: blocks.length,
    exampleIds: first(rows.exampleIds),
    splits: first(rows.splits),
    sourceIds: first(rows.sourceIds),
  };
  if (rows.sampled) return { ...examples, ...sampledMeans(rows, rows.sampled, blocks) };
  const probabilitiesOf = classProbabilities(rows, meta);
  const columns = emptyMeans(blocks.length, meta);
  for (const [row, block] of blocks.entries()) {
    setMean(columns, row, meanOf(block, probabilitiesOf), meta);
  }
  return { ...examples, ...columns };
}

/** Rows of one example: from `from` on, before `end`. */
interface Block {
  readonly from: number;
  readonly end: number;
}

type Means = Omit<SoftLabelRows, 'rowCount' | 'exampleIds' | 'splits' | 'sourceIds'>;

/** A shard at a time: row groups may part the windows of an example. */
async function* meansOf(reader: SoftLabelReader): AsyncGenerator<SoftLabelRows> {
  for (const shard of reader.shards.keys()) {
    yield windowMeans(await reader.readShard(shard), reader.meta);
  }
}

function meanOf({ from, end }: Block, of: (row: number) => Float64Array): Float64Array {
  const sum = of(from);
  for (let row = from + 1; row < end; row++) {
    for (const [id, prob] of of(row).entries()) sum[id] = (sum[id] ?? 0) + prob;
  }
  return sum.map((prob) => prob / (end - from));
}

function emptyMeans(rowCount: number, { mode, topK, classNames }: SoftLabelMeta): Means {
  const k = topK ?? 0;
  return {
    topIds: new Int32Array(rowCount * k),
    topLogits: new Float32Array(rowCount * k),
    logits: new Float32Array(mode === 'dense' ? rowCount * classNames.length : 0),
    logSumExp: [new Float32Array(rowCount)],
    tailLogMass: mode === 'top-k' ? [new Float32Array(rowCount)] : [],
    entropyNats: new Float32Array(rowCount),
  };
}

/** Logits are log p, so that log sum exp is 0. */
function setMean(columns: Means, row: number, probs: Float64Array, meta: SoftLabelMeta): void {
  const logProbs = probs.map((prob) => Math.log(Math.max(prob, LEAST)));
  columns.entropyNats[row] = -probs.reduce((sum, p, id) => sum + p * (logProbs[id] ?? 0), 0);
  if (meta.mode === 'dense') {
    columns.logits.set(logProbs, row * probs.length);
    return;
  }
  const k = meta.topK ?? 0;
  const ranked = [...probs.keys()].sort((a, b) => (probs[b] ?? 0) - (probs[a] ?? 0) || a - b);
  for (const [place, id] of ranked.slice(0, k).entries()) {
    columns.topIds[row * k + place] = id;
    columns.topLogits[row * k + place] = logProbs[id] ?? 0;
  }
  const rest = ranked.slice(k).reduce((sum, id) => sum + (probs[id] ?? 0), 0);
  const [tails] = columns.tailLogMass;
  if (tails !== undefined) tails[row] = Math.log(Math.max(rest, LEAST));
}

/** All draws of all windows, of which each has the same number. */
function sampledMeans(
  rows: SoftLabelRows,
  sampled: SampledColumns,
  blocks: readonly Block[],
): Means {
  const drawn = blocks.map((block) => drawsOf(sampled, block));
  const offsets = new Int32Array(blocks.length + 1);
  for (const [row, { ids }] of drawn.entries()) offsets[row + 1] = (offsets[row] ?? 0) + ids.length;
  const none = new Float32Array();
  return {
    topIds: new Int32Array(),
    topLogits: none,
    logits: none,
    logSumExp: [],
    tailLogMass: [],
    sampled: {
      offsets,
      ids: Int32Array.from(drawn.flatMap(({ ids }) => ids)),
      counts: Int32Array.from(drawn.flatMap(({ counts }) => counts)),
      confidence: Float32Array.from(drawn, ({ confidence }) => confidence),
    },
    // A lower bound of the entropy of the mean; draws tell no better one.
    entropyNats: Float32Array.from(blocks, ({ from, end }) => {
      const own = rows.entropyNats.subarray(from, end);
      return own.reduce((sum, value) => sum + value, 0) / own.length;
    }),
  };
}

/** The probability of a window's best class is exact, that of another one its share of the draws. */
function drawsOf(sampled: SampledColumns, { from, end }: Block) {
  const { offsets, ids, counts } = sampled;
  const sums = new Map<number, number>();
  const probs = new Map<number, number>();
  for (let row = from; row < end; row++) {
    const [start = 0, stop = 0] = offsets.subarray(row, row + 2);
    const draws = counts.subarray(start, stop).reduce((sum, count) => sum + count, 0);
    for (let place = start; place < stop; place++) {
      const [id = 0, count = 0] = [ids[place], counts[place]];
      const prob = place === start ? (sampled.confidence[row] ?? 0) : count / draws;
      sums.set(id, (sums.get(id) ?? 0) + count);
      probs.set(id, (probs.get(id) ?? 0) + prob / (end - from));
    }
  }
  const [best, confidence] = [...probs].reduce((a, b) => (b[1] > a[1] ? b : a), [0, -1]);
  const others = [...sums].filter(([id]) => id !== best).sort(([a, m], [b, n]) => n - m || a - b);
  return {
    ids: [best, ...others.map(([id]) => id)],
    counts: [sums.get(best) ?? 0, ...others.map(([, count]) => count)],
    confidence,
  };
}

/** Less than any probability that matters, and its log is finite. */
const LEAST = 1e-300;
