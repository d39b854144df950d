import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { describeEstimate, type Estimate, estimateOf } from '#pipeline/cost-estimate.ts';
import { ReportedFailure } from '#pipeline/failures.ts';
import { type Foresight, foresee } from '#pipeline/foresight.ts';
import type { StageInstance } from '#pipeline/graph.ts';
import { plainLinesObserver } from '#pipeline/observers/plain-lines.ts';
import { openProject, type Project, type ProjectOptions } from '#pipeline/project.ts';
import { runPipeline } from '#pipeline/run-pipeline.ts';
import { aside, lendArtifact, withScratchStore } from '#pipeline/scratch.ts';
import { softLabelInstance } from '#pipeline/soft-label-caches.ts';
import { listenForStop } from '#pipeline/stop-requests.ts';
import { NoModelError } from '#pipeline/teacher-check.ts';
import { calibrationInstance } from '#pipeline/teacher-wiring.ts';
import { MAIN_TEACHER, softLabelName, viewsName } from '#pipeline/teachers.ts';
import { type Calibration, calibrationSchema } from '#stages/soft-label/calibrate.ts';
import { together } from '#stages/soft-label/outlook.ts';

export interface EstimateOptions extends ProjectOptions {
  readonly pricePerHour?: number;
  readonly seconds: number;
  readonly json?: boolean;
  /** Whose pass. Default: of the main teacher, and of each head's. */
  readonly teacher?: string;
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

/** `decant estimate`: rows, tokens, time, money and disk of the teacher's pass, timed on this device. */
export async function estimateCommand(options: EstimateOptions): Promise<number> {
  const project = openProject(options);
  const estimates = await withScratchStore(project.store, (scratch) =>
    makeEstimates(project, scratch, options),
  );
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(asObject(estimates), null, 1)}\n`
      : estimates.map(({ teacher, estimate }) => describeEstimate(teacher, estimate)).join('\n'),
  );
  return 0;
}

interface OfTeacher {
  readonly teacher: string;
  readonly estimate: Estimate;
}

/** The first estimate, and below it those of the teachers of heads. */
function asObject([first, ...others]: readonly OfTeacher[]): object {
  const heads = others.map(({ teacher, estimate }) => [teacher, estimate]);
  return { ...first?.estimate, ...(heads.length > 0 && { heads: Object.fromEntries(heads) }) };
}

/** One teacher after the other, so that each is timed alone. */
async function makeEstimates(
  project: Project,
  scratch: string,
  options: EstimateOptions,
): Promise<OfTeacher[]> {
  const first = options.teacher ?? MAIN_TEACHER;
  const isModel = (teacher: string) =>
    softLabelInstance(project, teacher).files['answers'] === undefined;
  if (!isModel(first)) throw new NoModelError('estimate');
  const heads = Object.keys(project.loaded.config.heads ?? {}).filter(isModel);
  const foresight = await foresee(project, scratch, {
    rehash: false,
    say: (message) => void process.stderr.write(`${message}\n`),
  });
  const estimates: OfTeacher[] = [];
  for (const teacher of options.teacher === undefined ? [first, ...heads] : [first]) {
    const estimate = await makeEstimate(project, teacher, { foresight, scratch, ...options });
    estimates.push({ teacher, estimate });
  }
  return estimates;
}

async function makeEstimate(
  project: Project,
  teacher: string,
  given: EstimateOptions & { readonly foresight: Foresight; readonly scratch: string },
): Promise<Estimate> {
  const { scratch, foresight, ...options } = given;
  const softLabel = softLabelInstance(project, teacher);
  const { outlook } = foresight;
  const prepared = foresight.preparedFor(softLabel.name);
  if (!prepared.folder.startsWith(scratch)) await lendArtifact(prepared, scratch);
  await lendHead(softLabel, foresight.freshness, scratch);
  const calibration = await calibrated(project, softLabel, scratch, options.seconds);
  const { truncatedRows = 0 } = prepared.manifest.counts;
  const ofRows = await outlook(softLabel.name, calibration.shape);
  const views = softLabelName(viewsName(teacher));
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
  { graph }: Project,
  softLabel: StageInstance,
  store: string,
  seconds: number,
): Promise<Calibration> {
  const instance = calibrationInstance(softLabel, seconds);
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
