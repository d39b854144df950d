import { openPartial, outputFolder, sealArtifact } from '#cache/artifact-store.ts';
import { makeFolder } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { ReportedFailure, reportOf } from '#pipeline/failures.ts';
import { stageNamed } from '#pipeline/registry.ts';
import type { StandIns } from '#pipeline/rehearsal/stand-ins.ts';
import { decantVersion } from '#pipeline/version.ts';
import type { AnyStage } from '#pipeline/wiring/graph.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { FromHost, HostJob, StopReason, ToHost, Trial } from './host-protocol.ts';

/**
 * The process in which one stage runs. It inherits the lock of the store, obeys its parent's
 * messages only (the terminal signals the whole group, the parent decides) and ends after the batch
 * at hand when its parent is gone.
 */
export class StoppedError extends Failure {
  constructor(reason: StopReason) {
    super(
      reason === 'interrupted' ? 'interrupted' : 'retry',
      reason === 'interrupted' ? 'E_INTERRUPTED' : 'E_STOPPED',
      STOP_MESSAGES[reason],
      'run the same command again: it goes on where this one stopped',
    );
  }
}

const STOP_MESSAGES: Readonly<Record<StopReason, string>> = {
  interrupted: 'interrupted',
  terminated: 'stopped by SIGTERM',
  'time-limit': 'stopped at the time limit (--max-duration)',
  orphaned: 'stopped because the command line process is gone',
};

/** Runs one job to its sealed artifact; every event goes to `emit`. */
export async function runJob(
  job: HostJob,
  emit: (event: StageEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const stage = stageNamed(job.stage);
  const startedAt = new Date().toISOString();
  const folder = await openPartial(job.store, job, Object.keys(stage.outputs));
  const context: StageContext<unknown> = {
    config: stage.configSchema.parse(job.config),
    files: job.files,
    inputs: job.inputFolders,
    outputs: outputFolders(folder, stage),
    earlier: job.earlier,
    recipe: job.recipe,
    ...(job.makers && { makers: job.makers }),
    recomputeTeacher: job.recomputeTeacher,
    signal,
  };
  const counts: Record<string, number> = {};
  const environment: Record<string, string> = {
    decant: decantVersion(),
    node: process.version,
  };
  for await (const event of stage.run(context)) {
    if (event.type === 'count') counts[event.name] = event.value;
    if (event.type === 'environment') environment[event.name] = event.value;
    emit(event);
  }
  signal.throwIfAborted();
  const finishedAt = new Date().toISOString();
  const { instance, fingerprint, recipe, inputs } = job;
  const made = {
    instance,
    fingerprint,
    recipe,
    inputs,
    counts,
    environment,
    startedAt,
    finishedAt,
  };
  await sealArtifact(job.store, made, stage.outputs);
}

/** Runs stages one after the other on stand-ins for what is not there yet; nothing is sealed. */
async function runTrials(
  standIns: StandIns | null,
  trials: readonly Trial[],
  signal: AbortSignal,
): Promise<void> {
  if (standIns !== null) {
    const { writeStandIns } = await import('#pipeline/rehearsal/stand-ins.ts');
    await writeStandIns(standIns);
  }
  for (const trial of trials) {
    try {
      await runTrial(trial, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const report = reportOf(error);
      const message = `${trial.instance} would fail later: ${report.message}`;
      throw new ReportedFailure({ ...report, message });
    }
  }
}

async function runTrial(trial: Trial, signal: AbortSignal): Promise<void> {
  const { config, files, inputFolders, folder } = trial;
  const stage = stageNamed(trial.stage);
  const outputs = outputFolders(folder, stage);
  for (const output of Object.values(outputs)) makeFolder(output);
  const settings = stage.configSchema.parse(config);
  const context: StageContext<unknown> = {
    config: stage.rehearsal?.(settings) ?? settings,
    files,
    inputs: inputFolders,
    outputs,
    earlier: [],
    recipe: {},
    recomputeTeacher: false,
    signal,
  };
  for await (const _event of stage.run(context)) signal.throwIfAborted();
}

function outputFolders(folder: string, stage: AnyStage): Record<string, string> {
  const names = Object.keys(stage.outputs);
  return Object.fromEntries(names.map((name) => [name, outputFolder(folder, name)]));
}

/** Serves the parent process over IPC until the job is done. */
function serve(): void {
  const stopping = new AbortController();
  const stop = (reason: StopReason) => stopping.abort(new StoppedError(reason));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
  process.on('disconnect', () => stop('orphaned'));
  process.on('message', (message: ToHost) => {
    switch (message.type) {
      case 'stop':
        return stop(message.reason);
      case 'run':
        return serveTask(runJob(message.job, throttled(send), stopping.signal));
      case 'rehearse':
        return serveTask(runTrials(message.standIns, message.trials, stopping.signal));
      default:
        return message satisfies never;
    }
  });
  send({ type: 'ready' });
}

function serveTask(work: Promise<void>): void {
  void work.then(
    () => finish({ type: 'done' }),
    (error: unknown) => finish({ type: 'failed', failure: reportOf(error) }),
  );
}

function send(message: FromHost): void {
  // The parent may be gone: then there is nobody to tell.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function finish(message: FromHost): void {
  if (!process.connected) process.exit(0);
  process.send?.(message, undefined, undefined, () => process.exit(0));
}

/** Progress is passed on ten times a second at most, the last one always; other events at once. */
function throttled(emit: (message: FromHost) => void): (event: StageEvent) => void {
  let last = 0;
  return (event) => {
    const now = performance.now();
    const isWorthwhile =
      event.type !== 'progress' || event.done >= event.total || now - last >= 100;
    if (!isWorthwhile) return;
    if (event.type === 'progress') last = now;
    emit({ type: 'event', event });
  };
}

if (process.argv[2] === 'serve') serve();
