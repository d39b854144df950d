import { join, relative, resolve } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import type { SweepSection } from '#pipeline/config/sections/sweep.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import type { FailureReport } from '#pipeline/events.ts';
import { describeFailure, EXIT_CODES, exitCodeOf } from '#pipeline/failures.ts';
import { yamlFlowMap } from '#pipeline/init/yaml-scalar.ts';
import { openProject, type Project, type ProjectOptions, statusOf } from '#pipeline/project.ts';
import type { RunSummary } from '#pipeline/run/run-pipeline.ts';
import { sweepPage } from '#pipeline/sweep/page.ts';
import { resultsOf, type TrialResult } from '#pipeline/sweep/results.ts';
import {
  resultCells,
  resultColumns,
  settingNames,
  shownFigure,
  shownValue,
} from '#pipeline/sweep/shown.ts';
import { planSweep, type SweepPlan, type Trial, variantOfTrial } from '#pipeline/sweep/trials.ts';
import { type RunCommandOptions, runSelection } from './run.ts';

export interface SweepOptions
  extends ProjectOptions,
    Pick<RunCommandOptions, 'waitLock' | 'maxDuration' | 'quiet' | 'json' | 'logEvery'> {
  readonly trials?: number;
  readonly jobs: number;
  readonly output?: string;
  readonly dryRun?: boolean;
  readonly logFormat: 'plain' | 'json';
}

/** decant.yaml does not say what to try. */
class NoSweepError extends Failure {
  constructor(file: string) {
    super(
      'usage',
      'E_SWEEP_MISSING',
      `${file}: there is no section sweep`,
      'say what to try: sweep: { over: { hiddenSize: [64, 128], layers: [1, 2] } }',
    );
  }
}

/** `decant sweep`: trains one variant with many settings and compares them on the validation rows. */
export async function sweepCommand(options: SweepOptions): Promise<number> {
  const project = openProject(options);
  const plan = planSweep(project, sectionOf(project, options));
  if (options.dryRun === true) return dryRun(project, plan, options);
  if (options.quiet !== true && options.logFormat === 'plain') sayTrials(plan);
  const { before, trainings, measurements } = plan;
  const summary = await runSelection({ ...project, graph: before }, EVERYTHING, options, {
    trials: [
      { instances: trainings, jobs: options.jobs },
      // One by one, after all trainings: they are timed.
      { instances: measurements, jobs: 1 },
    ],
    accept: () => Promise.resolve(),
  });
  const { failure } = summary;
  if (failure !== undefined) {
    process.stderr.write(`${describeFailure(failure)}\n`);
    return summary.exitCode;
  }
  const results = await resultsOf(plan.trials, summary.artifacts);
  const page =
    options.output === undefined
      ? join(project.store, 'sweeps', `${plan.variant}.html`)
      : resolve(options.output);
  if (results.length > 0) await writeFileAtomic(page, sweepPage(plan.variant, results));
  const failed = failuresOf(plan, summary);
  if (options.json === true) showJson(plan, results, failed, results.length > 0 ? page : null);
  else if (options.quiet !== true) showTable(project, { plan, results, failed, page });
  return exitCodeOfTrials(results, [...failed.values()]);
}

function sectionOf({ loaded }: Project, { trials }: SweepOptions): SweepSection {
  const { sweep } = loaded.config;
  if (sweep === undefined) throw new NoSweepError(loaded.file);
  const asked = trials ?? sweep.trials;
  const hasRange = Object.values(sweep.over).some((values) => !Array.isArray(values));
  if (hasRange && asked === undefined) {
    throw new Failure(
      'usage',
      'E_SWEEP_ENDLESS',
      `${loaded.file}: sweep.over has a range, which has no end`,
      'say how many to draw: --trials 20',
    );
  }
  return { ...sweep, trials: asked };
}

/** Failures by trial, of its training or of its measurement. */
function failuresOf(
  { trials }: SweepPlan,
  { failedTrials }: RunSummary,
): Map<Trial, FailureReport> {
  const failed = new Map<Trial, FailureReport>();
  for (const trial of trials) {
    const failure =
      failedTrials.get(`train-student:${trial.name}`) ?? failedTrials.get(`validate:${trial.name}`);
    if (failure !== undefined) failed.set(trial, failure);
  }
  return failed;
}

/** A model that diverges is a result. What a rerun would mend, and our own faults, are not. */
function exitCodeOfTrials(
  results: readonly TrialResult[],
  failures: readonly FailureReport[],
): number {
  const grave = failures.find(({ kind }) => !['model', 'data', 'usage'].includes(kind));
  const decisive = grave ?? (results.length === 0 ? failures[0] : undefined);
  return decisive === undefined ? EXIT_CODES.done : exitCodeOf(decisive);
}

/** Which trial is behind the name of a stage in the lines of progress. */
function sayTrials({ trials }: SweepPlan): void {
  for (const { number, name, settings } of trials) {
    process.stderr.write(`${name}  trial ${number}: ${shownSettings(settings)}\n`);
  }
}

interface Shown {
  readonly plan: SweepPlan;
  readonly results: readonly TrialResult[];
  readonly failed: ReadonlyMap<Trial, FailureReport>;
  readonly page: string;
}

function showTable({ loaded }: Project, { plan, results, failed, page }: Shown): void {
  const lines: string[] = [];
  const [best] = results;
  if (best !== undefined) {
    const variant = variantOfTrial(loaded, plan.variant, best.trial);
    lines.push('', textTable(resultColumns(results), results.map(resultCells)), '');
    lines.push('front: no other trial is better at the same size, or at the same latency');
    lines.push(`page   ${shortest(page)}`, '', 'The best one on validation, for decant.yaml:');
    lines.push('variants:', `  best: ${yamlFlowMap(variant)}`);
  }
  for (const [{ number, settings }, { message }] of failed) {
    lines.push(`trial ${number} (${shownSettings(settings)}) failed: ${message.split('\n')[0]}`);
  }
  lines.push(...refusedLines(plan));
  process.stdout.write(`${lines.join('\n')}\n`);
}

function showJson(
  plan: SweepPlan,
  results: readonly TrialResult[],
  failed: ReadonlyMap<Trial, FailureReport>,
  page: string | null,
): void {
  const done = results.map(({ trial, judged, ...rest }) => ({
    ...trial,
    instance: `train-student:${trial.name}`,
    figure: judged.name,
    value: Number.isNaN(judged.value) ? null : judged.value,
    shown: shownFigure(judged),
    ...rest,
  }));
  const answer = {
    schemaVersion: 1,
    variant: plan.variant,
    split: 'validation',
    trials: done,
    failed: [...failed].map(([trial, failure]) => ({ ...trial, failure })),
    refused: plan.refused,
    page,
  };
  process.stdout.write(`${JSON.stringify(answer, null, 1)}\n`);
}

/** What would be trained, and what is there. */
async function dryRun(
  project: Project,
  plan: SweepPlan,
  { json }: Pick<SweepOptions, 'json'>,
): Promise<number> {
  const graph = [...plan.before, ...plan.trainings];
  const status = await statusOf({ ...project, graph }, { rehash: false });
  const would = { fresh: 'keep', stale: 'run', waiting: 'look' } as const;
  const trials = plan.trials.map((trial) => ({
    ...trial,
    would: would[status.get(`train-student:${trial.name}`)?.state ?? 'waiting'],
  }));
  const before = plan.before.flatMap(({ name }) =>
    status.get(name)?.state === 'fresh' ? [] : [name],
  );
  if (json === true) {
    const answer = {
      schemaVersion: 1,
      variant: plan.variant,
      before,
      trials,
      refused: plan.refused,
    };
    process.stdout.write(`${JSON.stringify(answer, null, 1)}\n`);
    return EXIT_CODES.done;
  }
  const rows = trials.map(({ number, settings, would: does }) => [
    String(number),
    ...Object.values(settings).map(shownValue),
    does,
  ]);
  const lines = [textTable(['trial', ...settingNames(trials), 'would'], rows)];
  if (before.length > 0) lines.push('', `${before.join(', ')} would come first`);
  process.stdout.write(`${[...lines, ...refusedLines(plan)].join('\n')}\n`);
  return EXIT_CODES.done;
}

function refusedLines({ refused }: SweepPlan): string[] {
  return refused.map(({ settings, because }) => `left out: ${shownSettings(settings)}: ${because}`);
}

function shownSettings(settings: Trial['settings']): string {
  return Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${shownValue(value)}`)
    .join(', ');
}

function shortest(path: string): string {
  const short = relative(process.cwd(), path);
  return short.length < path.length ? short : path;
}

const EVERYTHING = { includes: () => true, isForced: () => false };
