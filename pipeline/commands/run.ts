import type { Observer } from '#pipeline/events.ts';
import { describeFailure } from '#pipeline/failures.ts';
import { requireGate } from '#pipeline/gate/gate.ts';
import { runSetting } from '#pipeline/history/run-setting.ts';
import { jsonLinesObserver } from '#pipeline/observers/json-lines.ts';
import { plainLinesObserver } from '#pipeline/observers/plain-lines.ts';
import { prometheusObserver } from '#pipeline/observers/prometheus.ts';
import { rateLimited } from '#pipeline/observers/rate-limited.ts';
import { runLogObserver } from '#pipeline/observers/run-log.ts';
import { describeOutcome, outcomeOf } from '#pipeline/outcome.ts';
import { openProject, type Project, type ProjectOptions } from '#pipeline/project.ts';
import type { RunOptions } from '#pipeline/run/run.ts';
import { type RunSummary, runPipeline } from '#pipeline/run/run-pipeline.ts';
import { type Selection, selectStages } from '#pipeline/run/selection.ts';
import { listenForStop } from '#pipeline/run/stop-requests.ts';

export interface RunCommandOptions extends ProjectOptions {
  readonly from?: string;
  readonly to?: string;
  readonly force: readonly string[];
  readonly dryRun?: boolean;
  readonly recomputeTeacher?: boolean;
  readonly allowStale?: boolean;
  readonly smoke?: boolean;
  readonly rehash?: boolean;
  readonly waitLock: number;
  readonly maxDuration?: number;
  readonly metricsFile?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly logFormat: 'auto' | 'plain' | 'json';
  /** Least time between two lines of progress, in milliseconds. */
  readonly logEvery: number;
}

/** `decant run`: returns the exit code. */
export async function runCommand(
  stages: readonly string[],
  options: RunCommandOptions,
): Promise<number> {
  const project = openProject(options);
  const { from, to, force } = options;
  const selection = selectStages(project.graph, { stages, from, to, force });
  if (options.dryRun === true) {
    const { dryRun } = await import('./dry-run.ts');
    return dryRun(project, selection, options);
  }
  if (options.smoke !== true) return runAndShow(project, selection, options);
  const { withSmokeProject } = await import('#pipeline/foresight/smoke.ts');
  return withSmokeProject(project, (smoke) => runAndShow(smoke, selection, options));
}

async function runAndShow(
  project: Project,
  selection: Selection,
  options: RunCommandOptions,
): Promise<number> {
  const summary = await runSelection(project, selection, options);
  const { failure } = summary;
  // A student that fails its gate is there to be looked at.
  if (failure === undefined || failure.kind === 'gate') await show(project, summary, options);
  if (failure !== undefined) process.stderr.write(`${describeFailure(failure)}\n`);
  return summary.exitCode;
}

/** Runs stages with screen, log and signals as `decant run` does; says nothing on stdout. */
export async function runSelection(
  project: Project,
  selection: Selection,
  options: Omit<RunCommandOptions, 'force'>,
  more: Partial<Pick<RunOptions, 'trials' | 'accept'>> = {},
): Promise<RunSummary> {
  const requests = listenForStop(options.maxDuration);
  try {
    return await runPipeline({
      store: project.store,
      graph: project.graph,
      selection,
      recomputeTeacher: options.recomputeTeacher === true,
      allowStale: options.allowStale === true,
      rehash: options.rehash === true,
      waitLockMs: options.waitLock,
      observers: [
        ...(await screen(options)),
        ...metricsObserver(options),
        runLogObserver(project.store, runSetting(project)),
      ],
      accept: (artifacts) => requireGate(project.loaded, artifacts),
      stop: requests.stop,
      kill: requests.kill,
      ...more,
    });
  } finally {
    requests.close();
  }
}

async function show(
  project: Project,
  { artifacts }: RunSummary,
  options: RunCommandOptions,
): Promise<void> {
  const outcome = await outcomeOf(project, artifacts);
  if (options.json === true) process.stdout.write(`${JSON.stringify(outcome, null, 1)}\n`);
  else if (options.quiet === true) return;
  else if (options.smoke === true) {
    const { describeSmoke } = await import('#pipeline/foresight/smoke.ts');
    process.stdout.write(describeSmoke(artifacts));
  } else process.stdout.write(`${describeOutcome(outcome)}\n`);
}

async function screen(
  options: Pick<RunCommandOptions, 'quiet' | 'logFormat' | 'logEvery'>,
): Promise<Observer[]> {
  if (options.quiet === true) return [];
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const isTerminal = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  const limited = (observer: Observer) => [rateLimited(observer, { burst: 10, everyMs: 30_000 })];
  if (options.logFormat === 'json')
    return limited(
      jsonLinesObserver({ write, everyMs: options.logEvery, heartbeatMs: HEARTBEAT_MS }),
    );
  if (options.logFormat === 'auto' && isTerminal) {
    const { terminalObserver } = await import('#pipeline/observers/terminal.ts');
    return limited(terminalObserver());
  }
  return limited(
    plainLinesObserver({ write, everyMs: options.logEvery, heartbeatMs: HEARTBEAT_MS }),
  );
}

function metricsObserver({ metricsFile }: Pick<RunCommandOptions, 'metricsFile'>): Observer[] {
  return metricsFile === undefined ? [] : [prometheusObserver(metricsFile)];
}

/** Looked at this often, so that a stage is never silent for more than twice as long. */
const HEARTBEAT_MS = 10_000;
