import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import { readTags } from './run-tags.ts';

const failureSchema = z.looseObject({ kind: z.string(), code: z.string(), message: z.string() });

const resultSchema = z.looseObject({
  instance: z.string(),
  fingerprint: z.string(),
  counts: z.record(z.string(), z.number()),
});

const stageSchema = z.looseObject({
  because: z.string(),
  status: z.enum(['running', 'fresh', 'done', 'failed']),
  durationMs: z.number().optional(),
  result: resultSchema.optional(),
  failure: failureSchema.optional(),
});

const headlineSchema = z.looseObject({
  subject: z.enum(['teacher', 'student']),
  rows: z.number(),
  agreement: z.number().nullable(),
  /** The next six of classifiers, entityF1 of those of words. */
  accuracy: z.number().optional(),
  accuracyInterval: z.tuple([z.number(), z.number()]).optional(),
  expectedCalibrationError: z.number().optional(),
  macroF1: z.number().optional(),
  entityF1: z.number().optional(),
  negativeLogLikelihood: z.number().optional(),
  /** Of tasks whose answers are numbers. */
  figures: z.record(z.string(), z.number().nullable()).optional(),
  /** Of a variant with several seeds: over its students, the figures above are those of the first. */
  seeds: z
    .record(
      z.string(),
      z.object({
        n: z.number(),
        mean: z.number(),
        sd: z.number(),
        min: z.number(),
        max: z.number(),
      }),
    )
    .optional(),
  parameters: z.number().nullable(),
  fileBytes: z.number(),
  /** null for a teacher whose answers stand in files. */
  latencyMsP50: z.number().nullable(),
});

const runRecordSchema = z.looseObject({
  schemaVersion: z.literal(1),
  runId: z.string(),
  status: z.enum(['done', 'failed', 'stopped']),
  exitCode: z.number(),
  startedAt: z.string(),
  finishedAt: z.string(),
  versions: z.record(z.string(), z.string()),
  /** Of the folder of decant.yaml; ends in `-dirty` with uncommitted changes; null outside git. */
  gitCommit: z.string().nullable().default(null),
  /** decant.yaml with everything that overrode it. */
  config: z.record(z.string(), z.unknown()).default({}),
  stages: z.record(z.string(), stageSchema),
  metrics: z.record(z.string(), headlineSchema).default({}),
});

/** What a run leaves for ever: `run.json`. Artifacts may be removed, this stays. */
export type RunRecord = z.infer<typeof runRecordSchema>;

/** The figures of one model that are kept although its artifact is removed. */
export type Headline = z.infer<typeof headlineSchema>;

/** A run of the store; `record` is missing while it runs, after a kill, or when run.json is unreadable. */
export interface KnownRun {
  readonly runId: string;
  readonly record?: RunRecord;
}

export class UnknownRunError extends Failure {
  constructor(name: string, known: readonly string[]) {
    const near = nearestName(name, known);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    super('usage', 'E_RUN', `there is no run "${name}"${hint}`, 'list them: npx decant history');
  }
}

export class AmbiguousRunError extends Failure {
  constructor(name: string, matching: readonly string[]) {
    super(
      'usage',
      'E_RUN',
      `"${name}" may be ${matching.join(' or ')}`,
      'write more of the run id',
    );
  }
}

/** All runs of a store, newest first. */
export async function readRuns(store: string): Promise<KnownRun[]> {
  const folder = join(store, 'runs');
  const names = existsSync(folder) ? await readdir(folder) : [];
  // Run ids begin with the time of the start, so their order is that of the runs.
  return Promise.all(
    names
      .sort()
      .reverse()
      .map(async (runId) => {
        const record = await readRecord(join(folder, runId, 'run.json'));
        return record === undefined ? { runId } : { runId, record };
      }),
  );
}

/** The run that a person means: a run id or its beginning, a tag, or `last`. */
export async function findRun(store: string, name: string): Promise<KnownRun> {
  const runs = await readRuns(store);
  const tags = await readTags(store);
  const wanted = name === 'last' ? runs[0]?.runId : (tags.get(name) ?? name);
  const matching = runs.filter(({ runId }) => wanted !== undefined && runId.startsWith(wanted));
  const [found] = matching;
  if (found === undefined) {
    throw new UnknownRunError(name, [...tags.keys(), ...runs.map(({ runId }) => runId)]);
  }
  const exact = matching.find(({ runId }) => runId === wanted);
  if (exact !== undefined) return exact;
  if (matching.length > 1) {
    throw new AmbiguousRunError(
      name,
      matching.map(({ runId }) => runId),
    );
  }
  return found;
}

async function readRecord(path: string): Promise<RunRecord | undefined> {
  try {
    const parsed = runRecordSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
