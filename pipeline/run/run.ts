import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Artifact, findArtifact } from '#cache/artifact-store.ts';
import type { FileDigests } from '#cache/file-digests.ts';
import { lockStore, type StoreLock } from '#cache/lock.ts';
import { earlierOf } from '#pipeline/caches/earlier-artifacts.ts';
import { staleArtifact } from '#pipeline/caches/stale-artifact.ts';
import type { FailureReport, Observer, RunEvent, StageResult } from '#pipeline/events.ts';
import { ReportedFailure, reportOf } from '#pipeline/failures.ts';
import { requireNothingPending } from '#pipeline/forget/receipt.ts';
import { filesOf, type StageInstance } from '#pipeline/wiring/graph.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import type { EarlierArtifact, StageEvent } from '#stages/stage.ts';
import { type HostOutcome, obeying, startHost } from './host-process.ts';
import type { HostTask } from './host-protocol.ts';
import { inPool } from './in-pool.ts';
import { ForcedPinError } from './pinned.ts';
import {
  type FreshArtifacts,
  type Freshness,
  freshnessOf,
  type Order,
  orderOf,
  reasonOf,
} from './plan.ts';
import { type Selection, StaleInputError } from './selection.ts';

export interface RunOptions {
  /** Folder of the store: `.decant` beside decant.yaml. */
  readonly store: string;
  /** All instances in an order in which inputs come before their users. */
  readonly graph: readonly StageInstance[];
  readonly selection: Selection;
  readonly recomputeTeacher: boolean;
  /** Stages that are stale and not selected lend their newest artifact instead of stopping the run. */
  readonly allowStale: boolean;
  readonly rehash: boolean;
  readonly waitLockMs: number;
  readonly observers: readonly Observer[];
  /** Looks at what all stages together have brought; throws when that is not good enough. */
  readonly accept: (artifacts: ReadonlyMap<string, Artifact>) => Promise<void>;
  /** Asks the run to stop; the reason is a StopReason. A second request is `kill`. */
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
  /** What comes after the graph, one after the other. */
  readonly trials?: readonly Trials[];
}

/** Instances of which some may run at the same time, and whose failures stop no other one. */
export interface Trials {
  readonly instances: readonly StageInstance[];
  readonly jobs: number;
}

/** One run: its lock, what is fresh so far, and the stages that it makes. It throws what stops it. */
export class Run {
  readonly runId =
    `${new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '')}-${randomBytes(2).toString('hex')}`;
  readonly artifacts: FreshArtifacts = new Map();
  readonly failedTrials = new Map<string, FailureReport>();
  readonly #options: RunOptions;
  readonly #digests: FileDigests;
  #lock: StoreLock | undefined;
  #rehearsed = false;

  constructor(options: RunOptions, digests: FileDigests) {
    this.#options = options;
    this.#digests = digests;
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
    const { store, graph, selection, trials = [] } = this.#options;
    const everything = [...graph, ...trials.flatMap((one) => one.instances)];
    const instances = everything.map(({ name }) => name).filter((name) => selection.includes(name));
    this.tell({ type: 'run-started', runId: this.runId, store, instances });
    try {
      for (const instance of graph) await this.#one(instance);
      for (const { instances: ofTrials, jobs } of trials) {
        await inPool(ofTrials, jobs, (instance) => this.#trial(instance));
      }
      await this.#options.accept(this.artifacts);
    } finally {
      await this.#digests.save();
    }
  }

  /** What follows a failed trial is left out. */
  async #trial(instance: StageInstance): Promise<void> {
    if (Object.values(instance.inputs).some((ref) => !this.artifacts.has(ref.instance))) return;
    try {
      await this.#one(instance);
    } catch (error) {
      if (this.#options.stop.aborted) throw error;
      this.failedTrials.set(instance.name, reportOf(error));
    }
  }

  async #one(instance: StageInstance): Promise<void> {
    const { store, selection, stop } = this.#options;
    const selected = selection.includes(instance.name);
    const freshness = await freshnessOf(instance, this.artifacts, store, this.#digests);
    if (freshness.state === 'fresh' && !(selected && selection.isForced(instance.name))) {
      this.artifacts.set(instance.name, freshness.artifact);
      const result = resultOf(freshness.artifact, true);
      if (selected) this.tell({ type: 'stage-fresh', instance: instance.name, result });
      return;
    }
    if (!selected) return this.#lendStale(instance, freshness);
    if (freshness.state === 'waiting') throw new StaleInputError(instance.name, freshness.on);
    if (stop.aborted) throw stop.reason;
    const forced = freshness.state === 'fresh';
    if (forced && instance.pinned !== undefined) throw new ForcedPinError(instance);
    const order = forced ? await orderOf(instance, this.artifacts, this.#digests) : freshness.order;
    const because = forced ? 'asked for by --force' : reasonOf(freshness);
    // --force means made anew: nothing is taken over from what is there.
    const earlier = forced ? [] : await earlierOf(store, order);
    await this.#make(instance, order, earlier, because);
  }

  /** With --allow-stale: what a stage that does not run made last stands in for what it would make. */
  async #lendStale(instance: StageInstance, freshness: Freshness): Promise<void> {
    if (!this.#options.allowStale || freshness.state === 'fresh') return;
    const stale = await staleArtifact(this.#options.store, instance.name, freshness);
    if (stale === undefined) return;
    this.artifacts.set(instance.name, stale.artifact);
    this.#say(instance, { type: 'warning', message: stale.message });
  }

  #say(instance: StageInstance, event: StageEvent): void {
    this.tell({ type: 'stage-event', instance: instance.name, event });
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
    try {
      await this.#beforeTeacher(instance);
      done(await this.#inHost(instance, order, earlier));
    } catch (error) {
      const failure = this.#causeOf(reportOf(error));
      this.tell({ type: 'stage-failed', instance: name, failure });
      throw new ReportedFailure(failure);
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

  /** What can fail cheaply is tried before the teacher is asked. */
  async #beforeTeacher(instance: StageInstance): Promise<void> {
    const prepared = this.artifacts.get(instance.inputs['classes']?.instance ?? '');
    if (instance.stage !== softLabel || prepared === undefined) return;
    const { store, graph, selection } = this.#options;
    // Once is enough where several teachers are asked.
    const instances = this.#rehearsed ? [] : graph.filter(({ name }) => selection.includes(name));
    const scene = { store, instances, prepared, softLabel: instance, digests: this.#digests };
    const note = (message: string) => this.#say(instance, { type: 'note', message });
    const { rehearse } = await import('#pipeline/rehearsal/rehearse.ts');
    const isTried = await rehearse(
      scene,
      async (task) => done(await this.#host(instance, task)),
      note,
    );
    this.#rehearsed ||= isTried;
  }

  /** A host that dies after a request to stop has died of it: the terminal signals the whole group. */
  #causeOf(failure: FailureReport): FailureReport {
    const { stop } = this.#options;
    return stop.aborted && failure.code === 'E_HOST_DIED' ? reportOf(stop.reason) : failure;
  }

  async #inHost(instance: StageInstance, order: Order, earlier: readonly EarlierArtifact[]) {
    const { store, recomputeTeacher } = this.#options;
    const job = {
      ...order,
      store,
      stage: instance.stage.name,
      config: instance.config,
      files: filesOf(instance),
      earlier,
      recomputeTeacher,
    };
    return this.#host(instance, { type: 'run', job });
  }

  #host(instance: StageInstance, task: HostTask): Promise<HostOutcome> {
    const { stop, kill } = this.#options;
    const host = startHost(task, this.#lock?.fd ?? -1, (event) => this.#say(instance, event));
    return obeying(host, stop, kill);
  }
}

/** Throws what a host has failed with. */
function done(outcome: HostOutcome): void {
  if (outcome.type === 'failed') throw new ReportedFailure(outcome.failure);
}

function resultOf({ folder, manifest }: Artifact, fresh: boolean): StageResult {
  const { instance, fingerprint, counts, environment } = manifest;
  return { instance, fingerprint, folder, fresh, counts, environment };
}
