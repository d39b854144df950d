import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Artifact, findArtifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import type { FileDigests } from '#cache/file-digests.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { lockStore, type StoreLock } from '#cache/lock.ts';
import type { EarlierArtifact } from '#stages/stage.ts';
import { earlierOf } from './earlier-artifacts.ts';
import type { FailureReport, Observer, RunEvent, StageResult } from './events.ts';
import { exitCodeOf, reportOf } from './failures.ts';
import { requireNothingPending } from './forget/receipt.ts';
import { filesOf, type StageInstance } from './graph.ts';
import { type StageHost, startHost } from './host-process.ts';
import type { StopReason } from './host-protocol.ts';
import { type FreshArtifacts, freshnessOf, type Order, reasonOf } from './plan.ts';
import type { Selection } from './selection.ts';

export interface RunOptions {
  /** Folder of the store: `.decant` beside decant.yaml. */
  readonly store: string;
  /** All instances in an order in which inputs come before their users. */
  readonly graph: readonly StageInstance[];
  readonly selection: Selection;
  readonly recomputeTeacher: boolean;
  readonly rehash: boolean;
  readonly waitLockMs: number;
  readonly observers: readonly Observer[];
  /** Asks the run to stop; the reason is a StopReason. A second request is `kill`. */
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

export interface RunSummary {
  readonly runId: string;
  readonly exitCode: number;
  readonly failure?: FailureReport;
  /** Fresh artifacts by instance, made now or before. */
  readonly artifacts: ReadonlyMap<string, Artifact>;
}

export class StaleInputError extends Failure {
  constructor(instance: string, on: readonly string[]) {
    super(
      'usage',
      'E_STALE_INPUT',
      `${instance} needs ${on.join(', ')}, which ${on.length === 1 ? 'is' : 'are'} stale or not made yet`,
      `name ${on.length === 1 ? 'it' : 'them'} too, or use --to ${instance}`,
    );
  }
}

/**
 * Runs what is stale, in order, one process a stage, and tells the observers everything.
 * Never throws for what went wrong in a stage: the summary carries it.
 */
export async function runPipeline(options: RunOptions): Promise<RunSummary> {
  const run = new Run(options);
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
  };
  return failure === undefined ? base : { ...base, failure };
}

/** A failure that a stage host has already put into words. */
class StageFailure extends Failure {
  constructor(failure: FailureReport) {
    super(failure.kind as Failure['kind'], failure.code, failure.message, failure.fix);
    if (failure.stack !== undefined) this.stack = failure.stack;
  }
}

class Run {
  readonly runId =
    `${new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '')}-${randomBytes(2).toString('hex')}`;
  readonly artifacts: FreshArtifacts = new Map();
  readonly #options: RunOptions;
  #lock: StoreLock | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  tell(event: RunEvent): void {
    for (const observer of this.#options.observers) observer.observe(event);
  }

  async locked(work: () => Promise<void>): Promise<void> {
    const { store, waitLockMs, stop } = this.#options;
    this.#lock = await lockStore(join(store, 'lock'), {
      waitMs: waitLockMs,
      signal: stop,
      onWait: ({ pid, host }) =>
        this.tell({
          type: 'waiting-for-lock',
          message: `waiting for process ${pid} on ${host} to finish`,
        }),
    });
    try {
      requireNothingPending(store);
      await work();
    } finally {
      this.#lock.release();
    }
  }

  async all(): Promise<void> {
    const { store, graph, selection, rehash } = this.#options;
    const digests = await openFileDigests(join(store, 'digests.json'), { rehash });
    const instances = graph.map(({ name }) => name).filter((name) => selection.includes(name));
    this.tell({ type: 'run-started', runId: this.runId, store, instances });
    try {
      for (const instance of graph) await this.#one(instance, digests);
    } finally {
      await digests.save();
    }
  }

  async #one(instance: StageInstance, digests: FileDigests): Promise<void> {
    const { store, selection, stop } = this.#options;
    const selected = selection.includes(instance.name);
    const freshness = await freshnessOf(instance, this.artifacts, store, digests);
    if (freshness.state === 'fresh' && !(selected && selection.isForced(instance.name))) {
      this.artifacts.set(instance.name, freshness.artifact);
      const result = resultOf(freshness.artifact, true);
      if (selected) this.tell({ type: 'stage-fresh', instance: instance.name, result });
      return;
    }
    if (!selected) return;
    if (freshness.state === 'waiting') throw new StaleInputError(instance.name, freshness.on);
    if (stop.aborted) throw stop.reason;
    const forced = freshness.state === 'fresh';
    const order = forced
      ? orderAgain(freshness.artifact, instance, this.artifacts)
      : freshness.order;
    const because = forced ? 'asked for by --force' : reasonOf(freshness);
    // --force means made anew: nothing is taken over from what is there.
    const earlier = forced ? [] : await earlierOf(store, order);
    await this.#make(instance, order, earlier, because);
  }

  async #make(
    instance: StageInstance,
    order: Order,
    earlier: readonly EarlierArtifact[],
    because: string,
  ): Promise<void> {
    const { store } = this.#options;
    const { name } = instance;
    this.tell({ type: 'stage-started', instance: name, because });
    const started = performance.now();
    const outcome = await this.#inHost(instance, order, earlier);
    if (outcome.type === 'failed') {
      const failure = this.#causeOf(outcome.failure);
      this.tell({ type: 'stage-failed', instance: name, failure });
      throw new StageFailure(failure);
    }
    const artifact = await findArtifact(store, order);
    if (artifact === undefined) throw new Error(`${name} left no artifact`);
    this.artifacts.set(name, artifact);
    const result = resultOf(artifact, false);
    this.tell({
      type: 'stage-finished',
      instance: name,
      result,
      durationMs: performance.now() - started,
    });
  }

  /** A host that dies after a request to stop has died of it: the terminal signals the whole group. */
  #causeOf(failure: FailureReport): FailureReport {
    const { stop } = this.#options;
    return stop.aborted && failure.code === 'E_HOST_DIED' ? reportOf(stop.reason) : failure;
  }

  async #inHost(instance: StageInstance, order: Order, earlier: readonly EarlierArtifact[]) {
    const { store, stop, kill, recomputeTeacher } = this.#options;
    const job = {
      ...order,
      store,
      stage: instance.stage.name,
      config: instance.config,
      files: filesOf(instance),
      earlier,
      recomputeTeacher,
    };
    const host = startHost(job, this.#lock?.fd ?? -1, (event) =>
      this.tell({ type: 'stage-event', instance: instance.name, event }),
    );
    return obeying(host, stop, kill);
  }
}

/** Closes every observer, also after one of them failed; what failed first comes back. */
async function closeAll(observers: readonly Observer[]): Promise<FailureReport | undefined> {
  const closed = await Promise.allSettled(observers.map(async (observer) => observer.close?.()));
  const broken = closed.find((one) => one.status === 'rejected');
  return broken && reportOf(broken.reason);
}

/** Passes stop and kill requests on to a host until it has ended. */
async function obeying(host: StageHost, stop: AbortSignal, kill: AbortSignal) {
  const onStop = () =>
    host.stop((stop.reason as { stopReason?: StopReason }).stopReason ?? 'terminated');
  const onKill = () => host.kill();
  stop.addEventListener('abort', onStop);
  kill.addEventListener('abort', onKill);
  // The request may have come between two stages, when nobody listened.
  if (stop.aborted) onStop();
  try {
    return await host.outcome;
  } finally {
    stop.removeEventListener('abort', onStop);
    kill.removeEventListener('abort', onKill);
  }
}

/** The order that made an artifact, to make it once more. */
function orderAgain(artifact: Artifact, instance: StageInstance, upstream: FreshArtifacts): Order {
  const { fingerprint, recipe, inputs } = artifact.manifest;
  const inputFolders = Object.entries(instance.inputs).map(([name, ref]) => [
    name,
    outputFolder(upstream.get(ref.instance)?.folder ?? '', ref.output),
  ]);
  return {
    instance: instance.name,
    fingerprint,
    recipe,
    inputs,
    inputFolders: Object.fromEntries(inputFolders),
  };
}

function resultOf({ folder, manifest }: Artifact, fresh: boolean): StageResult {
  const { instance, fingerprint, counts, environment } = manifest;
  return { instance, fingerprint, folder, fresh, counts, environment };
}
