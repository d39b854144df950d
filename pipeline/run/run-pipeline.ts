import { join } from 'node:path';
import type { Artifact } from '#cache/artifact-store.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import type { FailureReport, Observer } from '#pipeline/events.ts';
import { exitCodeOf, reportOf } from '#pipeline/failures.ts';
import { Run, type RunOptions } from './run.ts';

export interface RunSummary {
  readonly runId: string;
  readonly exitCode: number;
  readonly failure?: FailureReport;
  /** Fresh artifacts by instance, made now or before. */
  readonly artifacts: ReadonlyMap<string, Artifact>;
  /** Trials that failed, by instance. */
  readonly failedTrials: ReadonlyMap<string, FailureReport>;
}

/**
 * Runs what is stale, in order, one process a stage, and tells the observers everything.
 * Never throws for what went wrong in a stage: the summary carries it.
 */
export async function runPipeline(options: RunOptions): Promise<RunSummary> {
  const { store, rehash } = options;
  const digests = await openFileDigests(join(store, 'digests.json'), { rehash });
  const run = new Run(options, digests);
  const started = performance.now();
  let failure: FailureReport | undefined;
  try {
    await run.locked(() => run.all());
  } catch (error) {
    failure = reportOf(error);
  }
  const exitCode = failure === undefined ? 0 : exitCodeOf(failure);
  const stopped = failure?.kind === 'interrupted' || failure?.code === 'E_STOPPED';
  const status = failure === undefined ? 'done' : stopped ? 'stopped' : 'failed';
  run.tell({ type: 'run-finished', status, durationMs: performance.now() - started, exitCode });
  const unwritten = await closeAll(options.observers);
  failure ??= unwritten;
  const base = {
    runId: run.runId,
    exitCode: failure === undefined ? 0 : exitCodeOf(failure),
    artifacts: run.artifacts,
    failedTrials: run.failedTrials,
  };
  return failure === undefined ? base : { ...base, failure };
}

/** Closes every observer, also after one of them failed; what failed first comes back. */
async function closeAll(observers: readonly Observer[]): Promise<FailureReport | undefined> {
  const closed = await Promise.allSettled(observers.map(async (observer) => observer.close?.()));
  const broken = closed.find((one) => one.status === 'rejected');
  return broken && reportOf(broken.reason);
}
