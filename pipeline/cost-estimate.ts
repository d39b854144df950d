import { SPLITS } from '#datasets/example.ts';
import { ratioEstimate } from '#stages/numerics/ratio-estimate.ts';
import type { Calibration } from '#stages/soft-label/calibrate.ts';
import type { Outlook } from '#stages/soft-label/outlook.ts';
import { formatBytes, formatCount, formatDuration } from './observers/progress.ts';
import { MAIN_TEACHER } from './teachers.ts';

/** What the pass of the teacher would cost; the JSON form is versioned. */
export interface Estimate {
  readonly schemaVersion: 1;
  readonly rows: Outlook['rows'];
  /** Rows that meet the teacher; the others stand in sealed caches. */
  readonly teacherRows: number;
  readonly tokens: number;
  readonly paddedTokens: number;
  readonly truncatedRows: number;
  /** Rows by length in tokens: up to each bound. */
  readonly lengths: readonly { readonly upTo: number; readonly rows: number }[];
  readonly provider: string;
  readonly runtime: string;
  readonly timedBatches: number;
  readonly hours: number;
  /** 95 % of what the timed batches leave open. */
  readonly hoursInterval: readonly [low: number, high: number];
  readonly money: number | null;
  readonly bytes: number;
  /** Of the process with the teacher, measured with its largest batch; on CUDA without what the GPU holds. */
  readonly peakMemoryBytes: number;
}

/** Costs of a pass over these rows, as far as the timed batches tell. */
export function estimateOf(
  outlook: Outlook,
  truncatedRows: number,
  { batches, bytesPerRow, provider, runtime, peakMemoryBytes }: Calibration,
  pricePerHour: number | undefined,
): Estimate {
  const { rows, newRows, newTokens, newPaddedTokens, lengths, maxLength } = outlook;
  const rate = ratioEstimate(batches.map(({ paddedTokens, ms }) => [paddedTokens, ms]));
  const hoursAt = (msPerToken: number) => (msPerToken * newPaddedTokens) / MS_PER_HOUR;
  const hours = hoursAt(rate.ratio);
  return {
    schemaVersion: 1,
    rows,
    teacherRows: newRows,
    tokens: newTokens,
    paddedTokens: newPaddedTokens,
    truncatedRows,
    lengths: lengthHistogram(lengths, maxLength),
    provider,
    runtime,
    timedBatches: batches.length,
    hours,
    hoursInterval: [hoursAt(rate.low), hoursAt(rate.high)],
    money: pricePerHour === undefined ? null : hours * pricePerHour,
    bytes: Math.round(bytesPerRow * (rows.train + rows.validation + rows.test)),
    peakMemoryBytes,
  };
}

/** Counts of rows up to 8, 16, 32, ... tokens; the last bound is the longest that is allowed. */
function lengthHistogram(lengths: Int32Array, maxLength: number): Estimate['lengths'] {
  const bounds: number[] = [];
  for (let bound = 8; bound < maxLength; bound *= 2) bounds.push(bound);
  return [...bounds, maxLength].map((upTo, index, all) => {
    const above = all[index - 1] ?? 0;
    return { upTo, rows: lengths.filter((length) => length > above && length <= upTo).length };
  });
}

/** The estimate for people. */
export function describeEstimate(teacher: string, estimate: Estimate): string {
  const { rows, teacherRows, tokens, paddedTokens, truncatedRows, lengths } = estimate;
  const all = rows.train + rows.validation + rows.test;
  const [low, high] = estimate.hoursInterval.map((hours) => formatDuration(hours * MS_PER_HOUR));
  const padding = paddedTokens === 0 ? 0 : 1 - tokens / paddedTokens;
  const most = Math.max(...lengths.map((one) => one.rows));
  const splits = SPLITS.map((split) => `${formatCount(rows[split])} ${split}`).join(', ');
  const lines = [
    ['corpus', `${formatCount(all)} rows: ${splits}`],
    [
      'teacher',
      `${teacher === MAIN_TEACHER ? '' : `${teacher}: `}${formatCount(teacherRows)} of ${formatCount(all)} rows, the others stand in sealed caches`,
    ],
    [
      'tokens',
      `${formatCount(tokens)}, with padding ${formatCount(paddedTokens)} (${percent(padding)} padding)`,
    ],
    [
      'cut',
      `${formatCount(truncatedRows)} rows (${percent(truncatedRows / all)}) lose what is beyond ${lengths.at(-1)?.upTo} tokens`,
    ],
    ...lengths.map((one, index) => [
      index === 0 ? 'lengths' : '',
      `up to ${String(one.upTo).padStart(5)} ${formatCount(one.rows).padStart(11)} ${'#'.repeat(Math.ceil((40 * one.rows) / most))}`,
    ]),
    [
      'time',
      `about ${formatDuration(estimate.hours * MS_PER_HOUR)} (${low} to ${high}) on ${estimate.provider}, ${estimate.runtime}`,
    ],
    ...(estimate.money === null
      ? []
      : [['money', `about ${estimate.money.toFixed(2)} at the price given`]]),
    ['disk', `about ${formatBytes(estimate.bytes)}`],
    ['memory', `about ${formatBytes(estimate.peakMemoryBytes)} at most, with the largest batch`],
  ];
  const text = lines.map(([name = '', value = '']) => `${name.padEnd(8)} ${value}`).join('\n');
  return `${text}\n\nAn estimate, from ${estimate.timedBatches} batches of this corpus timed on this device.\n`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

const MS_PER_HOUR = 3_600_000;
