import { Failure } from '#cache/failure.ts';
import type { Observer } from '#pipeline/events.ts';
import { describeFailure, EXIT_CODES } from '#pipeline/failures.ts';
import { gitCommitOf } from '#pipeline/git-commit.ts';
import type { StopReason } from '#pipeline/host-protocol.ts';
import { jsonLinesObserver } from '#pipeline/observers/json-lines.ts';
import { plainLinesObserver } from '#pipeline/observers/plain-lines.ts';
import { prometheusObserver } from '#pipeline/observers/prometheus.ts';
import { type RunSetting, runLogObserver } from '#pipeline/observers/run-log.ts';
import { terminalObserver } from '#pipeline/observers/terminal.ts';
import { describeOutcome, outcomeOf } from '#pipeline/outcome.ts';
import { describeChange } from '#pipeline/plan.ts';
import {
  decantVersion,
  openProject,
  type Project,
  type ProjectOptions,
  statusOf,
} from '#pipeline/project.ts';
import { type RunSummary, runPipeline } from '#pipeline/run-pipeline.ts';
import { type Selection, selectStages } from '#pipeline/selection.ts';
import { textTable } from '#pipeline/text-table.ts';

export interface RunCommandOptions extends ProjectOptions {
  readonly from?: string;
  readonly to?: string;
  readonly force: readonly string[];
  readonly dryRun?: boolean;
  readonly recomputeTeacher?: boolean;
  readonly rehash?: boolean;
  readonly waitLock: number;
  readonly maxDuration?: number;
  readonly metricsFile?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly logFormat: 'auto' | 'plain' | 'json';
}

/** `decant run`: returns the exit code. */
export async function runCommand(
  stages: readonly string[],
  options: RunCommandOptions,
): Promise<number> {
  const project = openProject(options);
  const { from, to, force } = options;
  const selection = selectStages(project.graph, { stages, from, to, force });
  if (options.dryRun === true) return dryRun(project, selection, options);
  const summary = await runSelection(project, selection, options);
  if (summary.failure !== undefined) {
    process.stderr.write(`${describeFailure(summary.failure)}\n`);
    return summary.exitCode;
  }
  const outcome = await outcomeOf(project, summary.artifacts);
  if (options.json === true) process.stdout.write(`${JSON.stringify(outcome, null, 1)}\n`);
  else if (options.quiet !== true) process.stdout.write(`${describeOutcome(outcome)}\n`);
  return summary.exitCode;
}

/** Runs stages with screen, log and signals as `decant run` does; says nothing on stdout. */
export async function runSelection(
  project: Project,
  selection: Selection,
  options: Omit<RunCommandOptions, 'force'>,
): Promise<RunSummary> {
  const requests = listenForStop(options.maxDuration);
  try {
    return await runPipeline({
      store: project.store,
      graph: project.graph,
      selection,
      recomputeTeacher: options.recomputeTeacher === true,
      rehash: options.rehash === true,
      waitLockMs: options.waitLock,
      observers: [
        ...screen(options),
        ...metricsObserver(options),
        runLogObserver(project.store, settingOf(project)),
      ],
      stop: requests.stop,
      kill: requests.kill,
    });
  } finally {
    requests.close();
  }
}

function screen(options: Pick<RunCommandOptions, 'quiet' | 'logFormat'>): Observer[] {
  if (options.quiet === true) return [];
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  if (options.logFormat === 'json') return [jsonLinesObserver(write)];
  const isTerminal = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  if (options.logFormat === 'auto' && isTerminal) return [terminalObserver()];
  return [plainLinesObserver({ write, everyMs: 5000 })];
}

function metricsObserver({ metricsFile }: Pick<RunCommandOptions, 'metricsFile'>): Observer[] {
  return metricsFile === undefined ? [] : [prometheusObserver(metricsFile)];
}

async function dryRun(
  project: Project,
  selection: Selection,
  options: RunCommandOptions,
): Promise<number> {
  const status = await statusOf(project, { rehash: options.rehash === true });
  const rows = [...status].map(([name, freshness]) => {
    if (!selection.includes(name)) return [name, '-', 'not selected'];
    switch (freshness.state) {
      case 'fresh':
        return selection.isForced(name)
          ? [name, 'run', 'asked for by --force']
          : [name, 'keep', 'fresh'];
      case 'stale':
        return [name, 'run', freshness.changes.map(describeChange).join('; ') || 'not made yet'];
      case 'waiting':
        return [name, 'look', `after ${freshness.on.join(', ')}`];
      default:
        return freshness satisfies never;
    }
  });
  process.stdout.write(`${textTable(['stage', 'would', 'because'], rows)}\n`);
  return EXIT_CODES.done;
}

/** A request to stop; the host is told the reason. */
class StopRequest extends Failure {
  readonly stopReason: StopReason;

  constructor(stopReason: StopReason) {
    const interrupted = stopReason === 'interrupted';
    const fix = 'run the same command again: it goes on where this one stopped';
    super(
      interrupted ? 'interrupted' : 'retry',
      interrupted ? 'E_INTERRUPTED' : 'E_STOPPED',
      `stopped (${stopReason})`,
      fix,
    );
    this.stopReason = stopReason;
  }
}

/** SIGINT once: finish or drop the open part and stop; twice: at once. SIGTERM and time limit: exit 75. */
function listenForStop(maxDurationMs: number | undefined) {
  const stopping = new AbortController();
  const killing = new AbortController();
  const stop = (reason: StopReason) => stopping.abort(new StopRequest(reason));
  const onInterrupt = () => {
    if (!stopping.signal.aborted) {
      process.stderr.write('\nstopping after the batch at hand; Ctrl-C again stops at once\n');
      return stop('interrupted');
    }
    killing.abort();
    setTimeout(() => process.exit(EXIT_CODES.interrupted), 200).unref();
  };
  const onTerminate = () => stop('terminated');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  const timer =
    maxDurationMs === undefined ? undefined : setTimeout(() => stop('time-limit'), maxDurationMs);
  return {
    stop: stopping.signal,
    kill: killing.signal,
    close() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
      clearTimeout(timer);
    },
  };
}

function settingOf({ loaded }: Project): RunSetting {
  return {
    versions: { decant: decantVersion(), node: process.version },
    gitCommit: gitCommitOf(loaded.folder),
    config: loaded.config,
  };
}
