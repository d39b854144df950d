import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findArtifact, outputFolder } from '#cache/artifact-store.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { lockStore } from '#cache/lock.ts';
import { ReportedFailure } from '#pipeline/failures.ts';
import { plainLinesObserver } from '#pipeline/observers/plain-lines.ts';
import { startHost } from './host-process.ts';
import type { HostJob } from './host-protocol.ts';

/** What a stage is asked besides a run. */
export interface Question extends Pick<HostJob, 'config' | 'files' | 'inputFolders'> {
  readonly stage: string;
  /** Its only output, in which it leaves `OUTPUT.json`. */
  readonly output: string;
}

/**
 * Runs a stage that no graph has, in a process of its own, and returns the JSON that it leaves. It
 * writes to a temporary store: the real one is only read, and a run may write to it meanwhile.
 */
export async function askBeside(question: Question): Promise<unknown> {
  const store = await mkdtemp(join(tmpdir(), 'decant-beside-'));
  try {
    const { stage, output, config, files, inputFolders } = question;
    const fingerprint = fingerprintOf([stage, config]);
    const job = { store, instance: stage, stage, fingerprint, config, files, inputFolders };
    await runJob({ ...job, inputs: {}, recipe: {}, earlier: [], recomputeTeacher: false });
    const artifact = await findArtifact(store, job);
    if (artifact === undefined) throw new Error(`${stage} left no artifact`);
    const path = join(outputFolder(artifact.folder, output), `${output}.json`);
    return JSON.parse(await readFile(path, 'utf8'));
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

async function runJob(job: HostJob): Promise<void> {
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const screen = plainLinesObserver({ write, everyMs: 5000, heartbeatMs: 10_000 });
  const lock = await lockStore(join(job.store, 'lock'), { waitMs: 0 });
  try {
    const host = startHost({ type: 'run', job }, lock.fd, (event) =>
      screen.observe({ type: 'stage-event', instance: job.instance, event }),
    );
    const outcome = await host.outcome;
    if (outcome.type === 'failed') throw new ReportedFailure(outcome.failure);
  } finally {
    lock.release();
    await screen.close?.();
  }
}
