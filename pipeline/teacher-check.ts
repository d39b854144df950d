import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Artifact, findArtifact, listArtifacts, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { canonicalJson, fingerprintOf } from '#cache/fingerprint.ts';
import { lockStore } from '#cache/lock.ts';
import { SPLITS } from '#datasets/example.ts';
import { type TeacherCheck, teacherCheckSchema } from '#stages/soft-label/check-teacher.ts';
import { ReportedFailure } from './failures.ts';
import { startHost } from './host-process.ts';
import type { HostJob } from './host-protocol.ts';
import { plainLinesObserver } from './observers/plain-lines.ts';
import type { Project } from './project.ts';
import { PREPARE, softLabelInstance, sourcesOf } from './soft-label-caches.ts';

/** The configuration names another teacher than the one whose answers are cached. */
export class OtherTeacherError extends Failure {
  constructor(model: string) {
    super(
      'model',
      'E_OTHER_TEACHER',
      `${model} is not the teacher that made this cache: its SHA-256 is another one`,
      'set teacher.model to that teacher, for example with --set teacher.model=DIR',
    );
  }
}

export interface TeacherCheckOptions {
  /** Share of the rows, above 0, at most 1. */
  readonly share: number;
  readonly seed: number;
}

/**
 * Asks the teacher again about some rows of a cache, in a process of its own. The answer goes to a
 * temporary store: the real one is only read, and a run may write to it meanwhile.
 */
export async function checkAgainstTeacher(
  project: Project,
  teacher: string,
  cache: Artifact,
  options: TeacherCheckOptions,
): Promise<TeacherCheck> {
  const store = await mkdtemp(join(tmpdir(), 'decant-check-'));
  try {
    const job = await jobOf(project, teacher, cache, options, store);
    await runJob(job);
    const artifact = await findArtifact(store, job);
    if (artifact === undefined) throw new Error(`${CHECK} left no artifact`);
    const path = join(outputFolder(artifact.folder, 'check'), 'check.json');
    return teacherCheckSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } finally {
    await rm(store, { recursive: true, force: true });
  }
}

async function jobOf(
  project: Project,
  teacher: string,
  { folder, manifest }: Artifact,
  { share, seed }: TeacherCheckOptions,
  store: string,
): Promise<HostJob> {
  const { files, config } = softLabelInstance(project, teacher);
  await requireSameTeacher(project, manifest.recipe, files['model'] ?? []);
  const sources = await sourcesOf(await listArtifacts(project.store, PREPARE), manifest);
  const rows = SPLITS.map((split) => [`rows/${split}`, outputFolder(folder, `rows/${split}`)]);
  const { device, threads, tokenBudget } = config;
  return {
    store,
    instance: CHECK,
    stage: CHECK,
    fingerprint: fingerprintOf([manifest.fingerprint, share, seed]),
    config: { share, seed, device, threads, tokenBudget },
    files,
    inputFolders: { ...sources, ...Object.fromEntries(rows) },
    inputs: {},
    recipe: {},
    earlier: [],
    recomputeTeacher: false,
  };
}

async function requireSameTeacher(
  { store }: Project,
  recipe: Readonly<Record<string, unknown>>,
  model: readonly string[],
): Promise<void> {
  const digests = await openFileDigests(join(store, 'digests.json'));
  const now = await Promise.all(model.map((path) => digests.digest(path)));
  const { files } = recipe as { files?: { model?: unknown } };
  if (canonicalJson(files?.model ?? null) !== canonicalJson(now)) {
    throw new OtherTeacherError(model[0] ?? '');
  }
}

async function runJob(job: HostJob): Promise<void> {
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  const screen = plainLinesObserver({ write, everyMs: 5000 });
  const lock = await lockStore(join(job.store, 'lock'), { waitMs: 0 });
  try {
    const host = startHost({ type: 'run', job }, lock.fd, (event) =>
      screen.observe({ type: 'stage-event', instance: CHECK, event }),
    );
    const outcome = await host.outcome;
    if (outcome.type === 'failed') throw new ReportedFailure(outcome.failure);
  } finally {
    lock.release();
    await screen.close?.();
  }
}

const CHECK = 'check-teacher';
