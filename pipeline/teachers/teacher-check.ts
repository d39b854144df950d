import { join } from 'node:path';
import { type Artifact, listArtifacts, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { openFileDigests } from '#cache/file-digests.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import { SPLITS } from '#datasets/example.ts';
import {
  corpusInstance,
  softLabelInstance,
  sourcesOf,
} from '#pipeline/caches/soft-label-caches.ts';
import type { Project } from '#pipeline/project.ts';
import { askBeside } from '#pipeline/run/beside.ts';
import { type TeacherCheck, teacherCheckSchema } from '#stages/soft-label/check-teacher.ts';
import { fitHeadName } from './teachers.ts';

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

/** Answers that stand in files: there is no model to ask. */
export class NoModelError extends Failure {
  constructor(what: string) {
    super(
      'usage',
      'E_NO_MODEL',
      `${what}: the answers of this teacher stand in files, there is no model to ask`,
      'leave it out: the answers are looked up at no cost, and a changed file makes the cache stale',
    );
  }
}

export interface TeacherCheckOptions {
  /** Share of the rows, above 0, at most 1. */
  readonly share: number;
  readonly seed: number;
}

/** Asks the teacher again about some rows of a cache, in a process of its own. */
export async function checkAgainstTeacher(
  project: Project,
  teacher: string,
  { folder, manifest }: Artifact,
  { share, seed }: TeacherCheckOptions,
): Promise<TeacherCheck> {
  const { files, config } = softLabelInstance(project, teacher);
  if (files['answers'] !== undefined) throw new NoModelError('cache verify --against-teacher');
  await requireSameTeacher(project, manifest.recipe, files['model'] ?? []);
  const makers = [corpusInstance(project, teacher), fitHeadName(teacher)];
  const made = await Promise.all(makers.map((name) => listArtifacts(project.store, name)));
  const sources = await sourcesOf(made.flat(), manifest);
  const rows = SPLITS.map((split) => [`rows/${split}`, outputFolder(folder, `rows/${split}`)]);
  const { task, device, deviceId, strict, threads, output, tokenBudget, gather } = config;
  const like = { task, device, deviceId, strict, threads, output, tokenBudget, gather };
  const answer = await askBeside({
    stage: 'check-teacher',
    output: 'check',
    config: { share, seed, ...like },
    files,
    inputFolders: { ...sources, ...Object.fromEntries(rows) },
  });
  return teacherCheckSchema.parse(answer);
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
