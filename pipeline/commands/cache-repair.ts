import { join } from 'node:path';
import { lockStore } from '#cache/lock.ts';
import { planRepair, turnIntoPartial } from '#pipeline/caches/repair-cache.ts';
import {
  type CacheChoice,
  findCacheFolder,
  preparedCorpus,
} from '#pipeline/caches/soft-label-caches.ts';
import {
  describeFinding,
  type Finding,
  verifyCache,
  verifyFiles,
} from '#pipeline/caches/verify-cache.ts';
import { describeFailure } from '#pipeline/failures.ts';
import { formatCount } from '#pipeline/observers/progress.ts';
import { openProject, type Project, type ProjectOptions } from '#pipeline/project.ts';
import type { RunSummary } from '#pipeline/run/run-pipeline.ts';
import { selectStages } from '#pipeline/run/selection.ts';
import { runSelection } from './run.ts';

export interface RepairOptions extends ProjectOptions {
  /** All rows may meet the teacher again. */
  readonly recomputeTeacher?: boolean;
  /** Milliseconds. */
  readonly waitLock: number;
}

/** Prepares the corpus of a teacher again where a file of it is broken; no teacher is needed. Returns the exit code. */
export async function repairCorpus(
  project: Project,
  teacher: string | undefined,
  options: RepairOptions,
): Promise<number> {
  const broken = await locked(project, options, async () => {
    const corpus = await preparedCorpus(project, teacher);
    if (corpus === undefined) return undefined;
    const { findings } = await verifyFiles(corpus.folder);
    if (findings.length === 0) return undefined;
    tellBroken(corpus.instance, findings);
    await turnIntoPartial(project.store, corpus.folder, findings, corpus.order);
    return corpus.instance;
  });
  return broken === undefined ? 0 : (await runAgain(broken, options)).exitCode;
}

/**
 * Makes the broken files of a cache again where the good ones were made, so that these can be kept.
 * Returns the exit code.
 */
export async function repairCache(
  project: Project,
  choice: CacheChoice,
  options: RepairOptions,
): Promise<number> {
  const repair = await locked(project, options, async () => {
    const cache = await findCacheFolder(project, choice);
    const verification = await verifyCache(cache.folder);
    if (verification.findings.length === 0) return undefined;
    const plan = await planRepair(project, cache, verification);
    tellBroken(cache.instance, verification.findings);
    await turnIntoPartial(project.store, cache.folder, verification.findings, plan.order);
    return { ...plan, instance: cache.instance };
  });
  if (repair === undefined) return 0;
  const set = repair.device === undefined ? [] : [`device=${repair.device}`];
  const { exitCode, artifacts } = await runAgain(repair.instance, options, set);
  const counts = artifacts.get(repair.instance)?.manifest.counts;
  if (counts !== undefined) {
    const { resumedRows: kept = 0, teacherRows: asked = 0 } = counts;
    tell(`repaired: ${formatCount(kept)} rows kept, ${formatCount(asked)} rows asked again`);
  }
  return exitCode;
}

/** Under the lock nobody else makes or removes what is looked at. */
async function locked<T>(
  { store }: Project,
  { waitLock: waitMs }: RepairOptions,
  work: () => Promise<T>,
): Promise<T> {
  const lock = await lockStore(join(store, 'lock'), { waitMs });
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function runAgain(
  stage: string,
  options: RepairOptions,
  set: readonly string[] = [],
): Promise<RunSummary> {
  const project = openProject({ ...options, set: [...(options.set ?? []), ...set] });
  const selection = selectStages(project.graph, { stages: [stage], force: [] });
  const { waitLock, recomputeTeacher = false } = options;
  const running = { waitLock, recomputeTeacher, logFormat: 'auto', logEvery: 5000 } as const;
  const summary = await runSelection(project, selection, running);
  if (summary.failure !== undefined) tell(describeFailure(summary.failure));
  return summary;
}

function tellBroken(stage: string, findings: readonly Finding[]): void {
  for (const finding of findings) tell(`${stage}: broken: ${describeFinding(finding)}`);
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
