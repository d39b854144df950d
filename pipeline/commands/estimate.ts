import { SPLITS } from '#datasets/example.ts';
import { type Estimate, MS_PER_HOUR, makeEstimate } from '#pipeline/foresight/estimate.ts';
import { withScratchStore } from '#pipeline/foresight/scratch.ts';
import { formatBytes, formatCount, formatDuration } from '#pipeline/observers/progress.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface EstimateOptions extends ProjectOptions {
  readonly pricePerHour?: number;
  readonly seconds: number;
  readonly json?: boolean;
}

/** `decant estimate`: rows, tokens, time, money and disk of the passes of all teachers, timed on this device. */
export async function estimateCommand(options: EstimateOptions): Promise<number> {
  const project = openProject(options);
  const estimate = await withScratchStore(project.store, (scratch) =>
    makeEstimate(project, scratch, options),
  );
  process.stdout.write(
    options.json === true ? `${JSON.stringify(estimate, null, 1)}\n` : describe(estimate),
  );
  return 0;
}

function describe(estimate: Estimate): string {
  const { rows, tokens, paddedTokens, truncatedRows, lengths, teachers } = estimate;
  const all = rows.train + rows.validation + rows.test;
  const [low, high] = estimate.hoursInterval.map((hours) => formatDuration(hours * MS_PER_HOUR));
  const padding = paddedTokens === 0 ? 0 : 1 - tokens / paddedTokens;
  const most = Math.max(...lengths.map((one) => one.rows));
  const splits = SPLITS.map((split) => `${formatCount(rows[split])} ${split}`).join(', ');
  const lines = [
    ['corpus', `${formatCount(all)} rows: ${splits}`],
    ...teachers.map((one) => {
      const time =
        teachers.length === 1 ? '' : `, about ${formatDuration(one.hours * MS_PER_HOUR)}`;
      return [
        one.name,
        `${formatCount(one.teacherRows)} of ${formatCount(one.rows)} rows${time}, the others stand in sealed caches`,
      ];
    }),
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
  const width = Math.max(...lines.map(([name = '']) => name.length)) + 1;
  const text = lines.map(([name = '', value = '']) => `${name.padEnd(width)} ${value}`).join('\n');
  return `${text}\n\nAn estimate, from ${estimate.timedBatches} batches of this corpus timed on this device.\n`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
