import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { SPLITS } from '#datasets/example.ts';
import { softLabelInstance } from '#pipeline/caches/soft-label-caches.ts';
import { ReportedFailure } from '#pipeline/failures.ts';
import { plainLinesObserver } from '#pipeline/observers/plain-lines.ts';
import type { Project } from '#pipeline/project.ts';
import { runPipeline } from '#pipeline/run/run-pipeline.ts';
import { listenForStop } from '#pipeline/run/stop-requests.ts';
import { NoModelError } from '#pipeline/teachers/teacher-check.ts';
import { softLabelName, teacherNames, viewsName } from '#pipeline/teachers/teachers.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import { calibrationInstance } from '#pipeline/wiring/teacher-wiring.ts';
import { ratioEstimate } from '#stages/numerics/ratio-estimate.ts';
import { type Calibration, calibrationSchema } from '#stages/soft-label/calibrate.ts';
import { type Outlook, together } from '#stages/soft-label/outlook.ts';
import { type Foresight, foresee } from './foresight.ts';
import { aside, lendArtifact } from './scratch.ts';

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

/** What the pass of one teacher would cost, the views of train rows included. */
interface TeacherEstimate {
  readonly name: string;
  /** Rows that it has an answer to in the end: of the corpus, and views. */
  readonly rows: number;
  /** Rows that meet it; the others stand in sealed caches. */
  readonly teacherRows: number;
  readonly tokens: number;
  readonly paddedTokens: number;
  readonly timedBatches: number;
  readonly hours: number;
  /** 95 % of what the timed batches leave open. */
  readonly hoursInterval: readonly [low: number, high: number];
  readonly bytes: number;
  /** Of the process with the teacher, measured with its largest batch; on CUDA without what the GPU holds. */
  readonly peakMemoryBytes: number;
}

/** What the passes of all teachers would cost, one after the other; the JSON form is versioned. */
export interface Estimate extends Omit<TeacherEstimate, 'name' | 'rows'> {
  readonly schemaVersion: 1;
  readonly rows: Outlook['rows'];
  readonly truncatedRows: number;
  /** Rows by length in tokens: up to each bound. */
  readonly lengths: readonly { readonly upTo: number; readonly rows: number }[];
  readonly provider: string;
  readonly runtime: string;
  readonly money: number | null;
  readonly teachers: readonly TeacherEstimate[];
}

/** Times each teacher that is a model for so many seconds; answers that stand in files cost nothing. */
export async function makeEstimate(
  project: Project,
  scratch: string,
  options: { readonly seconds: number; readonly pricePerHour?: number },
): Promise<Estimate> {
  const models = teacherNames(project).filter(
    (name) => softLabelInstance(project, name).files['answers'] === undefined,
  );
  if (models.length === 0) throw new NoModelError('estimate');
  const { preparedFor, outlook, freshness } = await foresee(project, scratch, {
    rehash: false,
    say: (message) => void process.stderr.write(`${message}\n`),
  });
  const timed: Timed[] = [];
  // A corpus may be read by several teachers, and heads have corpora of their own.
  const lent = new Set<string>();
  for (const name of models) {
    const softLabel = softLabelInstance(project, name);
    const prepared = preparedFor(softLabel.name);
    const isFirstOfCorpus = !lent.has(prepared.folder);
    const isAside = prepared.folder.startsWith(scratch);
    if (isFirstOfCorpus && !isAside) await lendArtifact(prepared, scratch);
    lent.add(prepared.folder);
    await lendHead(softLabel, freshness, scratch);
    const calibration = await calibrated(project, scratch, name, options.seconds);
    const ofRows = await outlook(softLabelName(name), calibration.shape);
    const views = softLabelName(viewsName(name));
    const hasViews = project.graph.some((instance) => instance.name === views);
    const all = hasViews ? together(ofRows, await outlook(views, calibration.shape)) : ofRows;
    const { truncatedRows = 0 } = prepared.manifest.counts;
    const corpus = isFirstOfCorpus ? { ...all, truncatedRows } : undefined;
    timed.push({ name, outlook: all, calibration, corpus });
  }
  return sumOf(timed, options.pricePerHour);
}

/** What is known of the pass of one teacher. */
interface Timed {
  readonly name: string;
  readonly outlook: Outlook;
  readonly calibration: Calibration;
  /** What it reads; left out where a teacher before it reads the same. */
  readonly corpus:
    | (Pick<Outlook, 'rows' | 'lengths' | 'maxLength'> & { readonly truncatedRows: number })
    | undefined;
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
  project: Project,
  store: string,
  teacher: string,
  seconds: number,
): Promise<Calibration> {
  const { graph } = project;
  const instance = calibrationInstance(softLabelInstance(project, teacher), teacher, seconds);
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

function sumOf(timed: readonly Timed[], pricePerHour: number | undefined): Estimate {
  const [first] = timed;
  if (first === undefined) throw new RangeError('no teacher was timed');
  const { outlook, calibration } = first;
  const corpora = timed.flatMap(({ corpus }) => corpus ?? []);
  const rows = SPLITS.map((split) => [
    split,
    corpora.reduce((sum, corpus) => sum + corpus.rows[split], 0),
  ]);
  const lengths = corpora.flatMap((corpus) => [...corpus.lengths]);
  const teachers = timed.map(estimateOf);
  const total = (of: (one: TeacherEstimate) => number) =>
    teachers.reduce((sum, one) => sum + of(one), 0);
  const hours = total((one) => one.hours);
  return {
    schemaVersion: 1,
    rows: Object.fromEntries(rows) as Outlook['rows'],
    teacherRows: total((one) => one.teacherRows),
    tokens: total((one) => one.tokens),
    paddedTokens: total((one) => one.paddedTokens),
    truncatedRows: corpora.reduce((sum, corpus) => sum + corpus.truncatedRows, 0),
    lengths: lengthHistogram(Int32Array.from(lengths), outlook.maxLength),
    provider: calibration.provider,
    runtime: calibration.runtime,
    timedBatches: total((one) => one.timedBatches),
    hours,
    hoursInterval: [
      total(({ hoursInterval: [low] }) => low),
      total(({ hoursInterval: [, high] }) => high),
    ],
    money: pricePerHour === undefined ? null : hours * pricePerHour,
    bytes: total((one) => one.bytes),
    peakMemoryBytes: Math.max(...teachers.map((one) => one.peakMemoryBytes)),
    teachers,
  };
}

function estimateOf({ name, outlook, calibration }: Timed): TeacherEstimate {
  const { rows: ofSplits, newRows, newTokens, newPaddedTokens } = outlook;
  const { batches, bytesPerRow, peakMemoryBytes } = calibration;
  const rows = ofSplits.train + ofSplits.validation + ofSplits.test;
  const rate = ratioEstimate(batches.map(({ paddedTokens, ms }) => [paddedTokens, ms]));
  const hoursAt = (msPerToken: number) => (msPerToken * newPaddedTokens) / MS_PER_HOUR;
  return {
    name,
    rows,
    teacherRows: newRows,
    tokens: newTokens,
    paddedTokens: newPaddedTokens,
    timedBatches: batches.length,
    hours: hoursAt(rate.ratio),
    hoursInterval: [hoursAt(rate.low), hoursAt(rate.high)],
    bytes: Math.round(bytesPerRow * rows),
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

export const MS_PER_HOUR = 3_600_000;
