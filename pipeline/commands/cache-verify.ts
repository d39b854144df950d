import { join } from 'node:path';
import { findArtifact } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { lockStore } from '#cache/lock.ts';
import { describeFailure } from '#pipeline/failures.ts';
import { formatCount } from '#pipeline/observers/progress.ts';
import { openProject, type Project, type ProjectOptions } from '#pipeline/project.ts';
import { planRepair, turnIntoPartial } from '#pipeline/repair-cache.ts';
import { selectStages } from '#pipeline/selection.ts';
import {
  type CacheFolder,
  findCacheFolder,
  manifestOf,
  SOFT_LABEL,
} from '#pipeline/soft-label-caches.ts';
import { checkAgainstTeacher } from '#pipeline/teacher-check.ts';
import { textTable } from '#pipeline/text-table.ts';
import { type Finding, type Verification, verifyCache } from '#pipeline/verify-cache.ts';
import type { TeacherCheck } from '#stages/soft-label/check-teacher.ts';
import { runSelection } from './run.ts';

export interface CacheVerifyOptions extends ProjectOptions {
  readonly againstTeacher?: boolean;
  /** Share of the rows that the teacher is asked about again. */
  readonly sample: number;
  readonly seed: number;
  /** Largest |dp| between the cache and the teacher of today. */
  readonly threshold: number;
  readonly repair?: boolean;
  readonly recomputeTeacher?: boolean;
  readonly waitLock: number;
  readonly json?: boolean;
}

/** Files or rows of a cache are not what was sealed. */
export class BrokenCacheError extends Failure {
  constructor(folder: string, findings: readonly Finding[]) {
    const [first] = findings;
    const more = findings.length > 1 ? `; ${findings.length - 1} more` : '';
    const fix = 'npx decant cache verify --repair keeps what is good and makes the rest again';
    super('corrupt', 'E_CACHE_BROKEN', `${folder}: ${first && describe(first)}${more}`, fix);
  }
}

/** The teacher gives other probabilities than those that are cached. */
export class TeacherDiffersError extends Failure {
  constructor({ maxDp, worst }: TeacherCheck, threshold: number) {
    const [first] = worst;
    super(
      'corrupt',
      'E_TEACHER_DIFFERS',
      `cache and teacher differ by ${maxDp.toPrecision(3)} in a probability of ${first?.split} row ${first?.exampleId}, more than ${threshold}`,
      'compare provider and runtime in `npx decant cache info` with `npx decant doctor`; to ask the teacher about all rows anew: npx decant run --force soft-label',
    );
  }
}

/** `decant cache verify`: files, pages and rows of one cache; then, if asked, the teacher. */
export async function cacheVerifyCommand(
  fingerprint: string | undefined,
  options: CacheVerifyOptions,
): Promise<number> {
  const project = openProject(options);
  const cache = await findCacheFolder(project, fingerprint);
  if (options.repair === true) {
    const exitCode = await repair(project, cache, options);
    if (exitCode !== 0) return exitCode;
  }
  const verification = await verifyCache(cache.folder);
  const isWhole = verification.findings.length === 0;
  const teacher =
    options.againstTeacher === true && isWhole
      ? await askTeacher(project, cache, options)
      : undefined;
  show(cache, verification, teacher, options);
  if (!isWhole) throw new BrokenCacheError(cache.folder, verification.findings);
  if (teacher !== undefined && teacher.maxDp > options.threshold) {
    throw new TeacherDiffersError(teacher, options.threshold);
  }
  return 0;
}

/** Returns the exit code of the run that makes the broken files again. */
async function repair(
  project: Project,
  cache: CacheFolder,
  options: CacheVerifyOptions,
): Promise<number> {
  const lock = await lockStore(join(project.store, 'lock'), { waitMs: options.waitLock });
  let device: string | undefined;
  try {
    // Under the lock: nobody else makes or removes this cache meanwhile.
    const verification = await verifyCache(cache.folder);
    if (verification.findings.length === 0) return 0;
    const plan = await planRepair(project, cache, verification);
    device = plan.device;
    for (const finding of verification.findings) tell(`broken: ${describe(finding)}`);
    await turnIntoPartial(project, cache, verification, plan.order);
  } finally {
    lock.release();
  }
  const setDevice = device === undefined ? [] : [`device=${device}`];
  const there = openProject({ ...options, set: [...(options.set ?? []), ...setDevice] });
  const selection = selectStages(there.graph, { stages: [SOFT_LABEL], force: [] });
  const summary = await runSelection(there, selection, {
    ...options,
    json: false,
    logFormat: 'auto',
  });
  if (summary.failure !== undefined) tell(describeFailure(summary.failure));
  const { resumedRows = 0, teacherRows = 0 } =
    summary.artifacts.get(SOFT_LABEL)?.manifest.counts ?? {};
  if (summary.failure === undefined) {
    tell(
      `repaired: ${formatCount(resumedRows)} rows kept, ${formatCount(teacherRows)} rows asked again`,
    );
  }
  return summary.exitCode;
}

async function askTeacher(
  project: Project,
  cache: CacheFolder,
  { sample, seed }: CacheVerifyOptions,
): Promise<TeacherCheck> {
  const { fingerprint } = await manifestOf(cache);
  const artifact = await findArtifact(project.store, { instance: SOFT_LABEL, fingerprint });
  if (artifact === undefined) throw new Error(`${cache.folder} is not where it belongs`);
  return checkAgainstTeacher(project, artifact, { share: sample, seed });
}

function show(
  cache: CacheFolder,
  verification: Verification,
  teacher: TeacherCheck | undefined,
  options: CacheVerifyOptions,
): void {
  if (options.json === true) {
    const { shortFingerprint, folder } = cache;
    const about = { schemaVersion: 1, fingerprint: shortFingerprint, folder };
    const asked = teacher && { teacher: { ...teacher, threshold: options.threshold } };
    process.stdout.write(`${JSON.stringify({ ...about, ...verification, ...asked }, null, 1)}\n`);
    return;
  }
  const { files, rows, findings } = verification;
  const counts = `${formatCount(files)} files, ${formatCount(rows)} rows`;
  const lines =
    findings.length === 0
      ? [`${cache.shortFingerprint}: ${counts}: all as sealed`]
      : [...findings.slice(0, MOST_SHOWN).map(describe), ...hidden(findings.length)];
  process.stdout.write(`${[...lines, ...(teacher ? teacherLines(teacher) : [])].join('\n')}\n`);
}

function teacherLines({
  rows,
  top1Differences,
  maxDp,
  meanDp,
  cached,
  teacher,
  worst,
}: TeacherCheck) {
  const where = ({ provider, runtime }: TeacherCheck['teacher']) => `${runtime} on ${provider}`;
  return [
    '',
    `${formatCount(rows)} rows asked again: cached by ${where(cached)}, now ${where(teacher)}`,
    `another best class  ${top1Differences} rows`,
    `|dp|                max ${maxDp.toExponential(2)}, mean ${meanDp.toExponential(2)}`,
    ...(maxDp === 0 ? [] : ['', worstTable(worst)]),
  ];
}

function worstTable(worst: TeacherCheck['worst']): string {
  const cells = worst
    .slice(0, 3)
    .map((one) => [
      one.split,
      one.exampleId,
      one.maxDp.toExponential(2),
      one.cachedClass,
      one.teacherClass,
    ]);
  return textTable(['split', 'example', 'max |dp|', 'cached', 'now'], cells);
}

function describe({ file, row, exampleId, problem }: Finding): string {
  return row === undefined
    ? `${file}: ${problem}`
    : `${file}: row ${row} (example ${exampleId}): ${problem}`;
}

function hidden(count: number): string[] {
  return count > MOST_SHOWN ? [`${count - MOST_SHOWN} more: --json lists all`] : [];
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

const MOST_SHOWN = 20;
