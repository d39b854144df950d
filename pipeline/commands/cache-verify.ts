import { basename } from 'node:path';
import { findArtifact } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import {
  type CacheFolder,
  findCacheFolder,
  manifestOf,
  preparedCorpus,
} from '#pipeline/caches/soft-label-caches.ts';
import {
  describeFinding,
  type Finding,
  type Verification,
  verifyCache,
  verifyFiles,
} from '#pipeline/caches/verify-cache.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { formatCount } from '#pipeline/observers/progress.ts';
import { openProject, type Project } from '#pipeline/project.ts';
import { checkAgainstTeacher } from '#pipeline/teachers/teacher-check.ts';
import type { TeacherCheck } from '#stages/soft-label/check-teacher.ts';
import { type RepairOptions, repairCache, repairCorpus } from './cache-repair.ts';

export interface CacheVerifyOptions extends RepairOptions {
  readonly teacher?: string;
  readonly againstTeacher?: boolean;
  /** Share of the rows that the teacher is asked about again. */
  readonly sample: number;
  readonly seed: number;
  /** Largest |dp| between the cache and the teacher of today. */
  readonly threshold: number;
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** Files or rows of a cache are not what was sealed. */
export class BrokenCacheError extends Failure {
  constructor(folder: string, findings: readonly Finding[]) {
    const [first] = findings;
    const more = findings.length > 1 ? `; ${findings.length - 1} more` : '';
    const fix = 'npx decant cache verify --repair keeps what is good and makes the rest again';
    super('corrupt', 'E_CACHE_BROKEN', `${folder}: ${first && describeFinding(first)}${more}`, fix);
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

/** `decant cache verify`: the corpus and files, pages and rows of one cache; then, if asked, the teacher. */
export async function cacheVerifyCommand(
  fingerprint: string | undefined,
  options: CacheVerifyOptions,
): Promise<number> {
  const project = openProject(options);
  if (options.repair === true) {
    const exitCode = await repair(project, fingerprint, options);
    if (exitCode !== 0) return exitCode;
  }
  const corpus =
    fingerprint === undefined ? await verifyCorpus(project, options.teacher) : undefined;
  if (corpus !== undefined && corpus.findings.length > 0) {
    show({ corpus }, options);
    throw new BrokenCacheError(corpus.folder, corpus.findings);
  }
  const cache = await findCacheFolder(project, { fingerprint, teacher: options.teacher });
  const verification = await verifyCache(cache.folder);
  const isWhole = verification.findings.length === 0;
  const teacher =
    options.againstTeacher === true && isWhole
      ? await askTeacher(project, cache, options)
      : undefined;
  show(
    { corpus, cache: { instance: cache.instance, folder: cache.folder, ...verification }, teacher },
    options,
  );
  if (!isWhole) throw new BrokenCacheError(cache.folder, verification.findings);
  // What a cache has rounded cannot be equal: that much is allowed on top.
  const allowed = options.threshold + (teacher?.rounding ?? 0);
  if (teacher !== undefined && teacher.maxDp > allowed) {
    throw new TeacherDiffersError(teacher, allowed);
  }
  return 0;
}

/** What was looked at and what was found. */
interface Found {
  readonly corpus: FoundCorpus | undefined;
  readonly cache?: Verification & { readonly instance: string; readonly folder: string };
  readonly teacher?: TeacherCheck | undefined;
}

type FoundCorpus = Omit<Verification, 'rows'> & {
  readonly instance: string;
  readonly folder: string;
};

/** The prepared corpus: without it a cache is ids and numbers. */
async function verifyCorpus(
  project: Project,
  teacher: string | undefined,
): Promise<FoundCorpus | undefined> {
  const corpus = await preparedCorpus(project, teacher);
  if (corpus === undefined) return undefined;
  const { instance, folder } = corpus;
  return { instance, folder, ...(await verifyFiles(folder)) };
}

async function repair(
  project: Project,
  fingerprint: string | undefined,
  options: CacheVerifyOptions,
): Promise<number> {
  const exitCode =
    fingerprint === undefined ? await repairCorpus(project, options.teacher, options) : 0;
  return exitCode === 0
    ? repairCache(project, { fingerprint, teacher: options.teacher }, options)
    : exitCode;
}

async function askTeacher(
  project: Project,
  cache: CacheFolder,
  { sample, seed }: CacheVerifyOptions,
): Promise<TeacherCheck> {
  const { fingerprint } = await manifestOf(cache);
  const artifact = await findArtifact(project.store, { instance: cache.instance, fingerprint });
  if (artifact === undefined) throw new Error(`${cache.folder} is not where it belongs`);
  return checkAgainstTeacher(project, cache.teacher, artifact, { share: sample, seed });
}

function show({ corpus, cache, teacher }: Found, options: CacheVerifyOptions): void {
  if (options.json === true) {
    const { threshold } = options;
    const asked = teacher && { ...teacher, threshold };
    const shown = {
      schemaVersion: 1,
      corpus: corpus ?? null,
      cache: cache ?? null,
      teacher: asked,
    };
    process.stdout.write(`${JSON.stringify(shown, null, 1)}\n`);
    return;
  }
  const lines = [
    ...(corpus ? artifactLines(corpus.instance, corpus) : []),
    ...(cache ? artifactLines(cache.instance, cache, `, ${formatCount(cache.rows)} rows`) : []),
    ...(teacher ? teacherLines(teacher) : []),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function artifactLines(
  name: string,
  { folder, files, findings }: Omit<FoundCorpus, 'instance'>,
  rows = '',
): string[] {
  const what = `${name} ${basename(folder)}`;
  if (findings.length === 0) return [`${what}: ${formatCount(files)} files${rows}: all as sealed`];
  const shown = findings.slice(0, MOST_SHOWN).map((one) => `${what}: ${describeFinding(one)}`);
  return [...shown, ...hidden(findings.length)];
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

function hidden(count: number): string[] {
  return count > MOST_SHOWN ? [`${count - MOST_SHOWN} more: --json lists all`] : [];
}

const MOST_SHOWN = 20;
