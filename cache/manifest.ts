import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from './failure.ts';
import { fingerprintOf } from './fingerprint.ts';

/** Raise it when the shape below changes; readers refuse what they do not know. */
export const MANIFEST_VERSION = 1;

const fileSchema = z.strictObject({
  path: z.string().refine(staysInside, 'path leaves the artifact'),
  bytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Cannot be equal twice (logs, timings): checksummed, but in no digest and no comparison. */
  volatile: z.literal(true).optional(),
});

const manifestSchema = z.strictObject({
  schemaVersion: z.literal(MANIFEST_VERSION),
  instance: z.string(),
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  /** All that decides the bytes but the input artifacts: stage, version, config, files, formats. */
  recipe: z.record(z.string(), z.unknown()),
  /** Digest of each input artifact. */
  inputs: z.record(z.string(), z.string()),
  outputs: z.record(
    z.string(),
    z.strictObject({ digest: z.string(), files: z.array(fileSchema).readonly() }),
  ),
  counts: z.record(z.string(), z.number()),
  /** Where and with what it was made: shown, never compared. */
  environment: z.record(z.string(), z.string()),
  startedAt: z.string(),
  finishedAt: z.string(),
});

export type Manifest = Readonly<z.infer<typeof manifestSchema>>;
export type ManifestFile = z.infer<typeof fileSchema>;

export class CorruptArtifactError extends Failure {
  /** `folder` is that of the whole artifact: a part of one is never mended. */
  constructor(path: string, problem: string, folder: string, options?: ErrorOptions) {
    super(
      'corrupt',
      'E_CACHE_CORRUPT',
      `${path}: ${problem}`,
      `remove ${folder} and run again: it is made anew; of corpus and cache, npx decant cache verify --repair keeps what is good`,
      options,
    );
  }
}

export class ManifestVersionError extends Failure {
  constructor(path: string, version: unknown) {
    super(
      'corrupt',
      'E_MANIFEST_VERSION',
      `${path}: schemaVersion ${JSON.stringify(version)}, this Decant reads ${MANIFEST_VERSION}`,
      `use the Decant that wrote it, or remove ${dirname(path)} and run again`,
    );
  }
}

/** Reads and checks the manifest of a folder; undefined where there is none. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, 'manifest.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const value = parseJson(path, text);
  const version = (value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (version !== MANIFEST_VERSION) throw new ManifestVersionError(path, version);
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw new CorruptArtifactError(path, z.prettifyError(parsed.error), folder);
  return parsed.data;
}

/** Digest of one output: what it is known by to the stages that read it. */
export function outputDigest(files: readonly ManifestFile[]): string {
  const content = files.filter((file) => file.volatile === undefined);
  return fingerprintOf(content.map(({ path, sha256 }) => [path, sha256]));
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CorruptArtifactError(path, 'is not JSON', dirname(path), { cause: error });
  }
}

function staysInside(path: string): boolean {
  return !path.startsWith('/') && !path.includes('\\') && !path.split('/').includes('..');
}
