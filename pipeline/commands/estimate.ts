import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { SPLITS } from '#datasets/example.ts';
import { ReportedFailure } from '#pipeline/failures.ts';
import { type Foresight, foresee } from '#pipeline/foresight.ts';
import type { StageInstance } from '#pipeline/graph.ts';
import { plainLinesObserver } from '#pipeline/observers/plain-lines.ts';
import { formatBytes, formatCount, formatDuration } from '#pipeline/observers/progress.ts';
import { openProject, type Project, type ProjectOptions } from '#pipeline/project.ts';
import { runPipeline } from '#pipeline/run-pipeline.ts';
import { aside, lendArtifact, withScratchStore } from '#pipeline/scratch.ts';
import { softLabelInstance } from '#pipeline/soft-label-caches.ts';
import { listenForStop } from '#pipeline/stop-requests.ts';
import { NoModelError } from '#pipeline/teacher-check.ts';
import { calibrationInstance } from '#pipeline/teacher-wiring.ts';
import { MAIN_TEACHER, softLabelName, viewsName } from '#pipeline/teachers.ts';
import { ratioEstimate } from '#stages/numerics/ratio-estimate.ts';
import { type Calibration, calibrationSchema } from '#stages/soft-label/calibrate.ts';
import { type Outlook, together } from '#stages/soft-label/outlook.ts';

export interface EstimateOptions extends ProjectOptions {
  readonly pricePerHour?: number;
  readonly seconds: number;
  readonly json?: boolean;
}

/** A teacher of embeddings has no head yet. */
export class NoHeadError extends Failure {
  constructor(instance: string) {
    super(
      'usage',
      'E_NO_HEAD',
      `the head of the sentence encoder is not fitted yet, or stale (${instance})`,
      `fit it on the labelled rows, which takes the least part of the time: npx decant run --to ${instance}`,
    );
  }
}

/** What the pass of the teacher would cost; the JSON form is versioned. */
interface Estimate {
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

/** `decant estimate`: rows, tokens, time, money and disk of the teacher's pass, timed on this device. */
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

async function makeEstimate(
  project: Project,
  scratch: string,
  options: EstimateOptions,
): Promise<Estimate> {
  const softLabel = softLabelInstance(project, MAIN_TEACHER);
  if (softLabel.files['answers'] !== undefined) throw new NoModelError('estimate');
  const { prepared, outlook, freshness } = await foresee(project, scratch, {
    rehash: false,
    say: (message) => void process.stderr.write(`${message}\n`),
  });
  if (!prepared.folder.startsWith(scratch)) await lendArtifact(prepared, scratch);
  await lendHead(softLabel, freshness, scratch);
  const calibration = await calibrated(project, scratch, options.seconds);
  const { truncatedRows = 0 } = prepared.manifest.counts;
  const ofRows = await outlook(softLabelName(MAIN_TEACHER), calibration.shape);
  const views = softLabelName(viewsName(MAIN_TEACHER));
  const hasViews = project.graph.some(({ name }) => name === views);
  const all = hasViews ? together(ofRows, await outlook(views, calibration.shape)) : ofRows;
  return estimateOf(all, truncatedRows, calibration, options.pricePerHour);
}

/** A sentence encoder is timed with its head, which has to be fitted before. */
async function lendHead(
  { inputs }: StageInstance,
  freshness: Foresight['freshness'],
  scratch: string,
): Promise<void> {
  const maker = inputs['teacher']?.instance;
  if (maker === undefined) return;
  const head = freshness.get(maker);
  if (head?.state !== 'fresh') throw new NoHeadError(maker);
  await lendArtifact(head.artifact, scratch);
}

/** Times the teacher in a process of its own. */
async function calibrated(
  { loaded, graph }: Project,
  store: string,
  seconds: number,
): Promise<Calibration> {
  const instance = calibrationInstance(loaded, seconds);
  const before = new Set(Object.values(instance.inputs).map((ref) => ref.instance));
  const instances = [...graph.filter(({ name }) => before.has(name)), instance];
  const requests = listenForStop(undefined);
  try {
    const write = (line: string) => void process.stderr.write(`${line}\n`);
    const { artifacts, failure } = await runPipeline({
      ...aside(instances, instance.name),
      store,
      observers: [plainLinesObserver({ write, everyMs: 5000, heartbeatMs: 10_000 })],
      stop: requests.stop,
      kill: requests.kill,
    });
    const artifact = artifacts.get(instance.name);
    if (failure !== undefined) throw new ReportedFailure(failure);
    if (artifact === undefined) throw new Error('calibrate left no artifact');
    const file = join(outputFolder(artifact.folder, 'calibration'), 'calibration.json');
    return calibrationSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } finally {
    requests.close();
  }
}

function estimateOf(
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

function describe(estimate: Estimate): string {
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
      `${formatCount(teacherRows)} of ${formatCount(all)} rows, the others stand in sealed caches`,
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
