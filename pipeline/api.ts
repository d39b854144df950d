import { resolve } from 'node:path';
import type { z } from 'zod';
import { checkedConfig, loadConfig } from './config/config.ts';
import type { decantConfigSchema } from './config/config-schema.ts';
import type { FailureReport, RunEvent } from './events.ts';
import { requireGate } from './gate/gate.ts';
import { runSetting } from './history/run-setting.ts';
import { runLogObserver } from './observers/run-log.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type Project, projectOf } from './project.ts';
import { runPipeline } from './run/run-pipeline.ts';
import { selectStages } from './run/selection.ts';
import { stopRequest } from './run/stop-requests.ts';

/** The contents of a decant.yaml, as an object. */
export type DecantSettings = z.input<typeof decantConfigSchema>;

export interface RunRequest {
  /** Stages or instances by name; all where left out. What they need must be fresh. */
  readonly stages?: readonly string[] | undefined;
  /** Settings by their path, such as `{ 'student.steps': 300 }`. */
  readonly set?: Readonly<Record<string, unknown>> | undefined;
  /** Where results are kept. Default: `.decant` beside the configuration. */
  readonly store?: string | undefined;
  /** How long to wait for another run of the same store. Default: 0. */
  readonly waitLockMs?: number | undefined;
  /** Allow a new teacher pass over rows that a sealed cache holds. Default: false. */
  readonly recomputeTeacher?: boolean | undefined;
  /** Stops the run after the batch at hand; it can be run again and goes on from there. */
  readonly signal?: AbortSignal | undefined;
  /** Sees all that a run says, in order. */
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
}

/** A run that did not end well. */
export class RunFailedError extends Error {
  override readonly name = 'RunFailedError';
  /** Stable, such as `E_GATE`; `E_INTERRUPTED` after an abort. */
  readonly code: string;
  readonly kind: string;
  /** The way out, in the imperative. */
  readonly fix: string;
  readonly runId: string;

  constructor({ code, kind, message, fix }: FailureReport, runId: string) {
    super(message);
    this.code = code;
    this.kind = kind;
    this.fix = fix;
    this.runId = runId;
  }
}

/**
 * `decant run` for programs: runs what is stale and says where the results lie. `config` is the path of a
 * decant.yaml, or its contents (paths are then relative to the current folder); the environment sets nothing.
 * Prints nothing, listens to no signal and ends no process. Rejects with an error that carries a `code`.
 */
export async function run(
  config: string | DecantSettings,
  request: RunRequest = {},
): Promise<Outcome> {
  const { stages = [], store, signal, onEvent } = request;
  const project = projectOf(loadedFrom(config, request.set), store);
  const selection = selectStages(project.graph, { stages, force: [] });
  const stopping = new AbortController();
  const stop = () => stopping.abort(stopRequest('interrupted'));
  signal?.addEventListener('abort', stop);
  if (signal?.aborted === true) stop();
  try {
    const summary = await runPipeline({
      ...project,
      selection,
      recomputeTeacher: request.recomputeTeacher ?? false,
      allowStale: false,
      rehash: false,
      waitLockMs: request.waitLockMs ?? 0,
      observers: [
        { observe: (event) => onEvent?.(event) },
        runLogObserver(project.store, runSetting(project)),
      ],
      accept: (artifacts) => requireGate(project.loaded, artifacts),
      stop: stopping.signal,
      kill: new AbortController().signal,
    });
    if (summary.failure !== undefined) throw new RunFailedError(summary.failure, summary.runId);
    return await outcomeOf(project, summary.artifacts);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function loadedFrom(
  config: string | DecantSettings,
  set: Readonly<Record<string, unknown>> = {},
): Project['loaded'] {
  const assignments = Object.entries(set).map(
    ([path, value]) => `${path}=${JSON.stringify(value)}`,
  );
  if (typeof config === 'string') {
    return loadConfig({ file: config, environment: {}, set: assignments });
  }
  return checkedConfig(resolve('decant.yaml'), JSON.stringify(config), assignments);
}
