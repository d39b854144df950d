import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { outputFolder } from './artifact-store.ts';
import { digestFile, listFiles } from './digest.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type Manifest, type ManifestFile, outputDigest } from './manifest.ts';

/** What is wrong with a file of an artifact. */
export interface FileProblem {
  /** Relative to the artifact, with forward slashes. */
  readonly file: string;
  readonly problem: string;
}

/**
 * Compares a sealed artifact with its manifest, byte for byte: every file is read and hashed, files
 * that the manifest does not know are named, and the manifest is held to its own digests.
 */
export async function fileProblems(folder: string, manifest: Manifest): Promise<FileProblem[]> {
  const problems = manifestProblems(folder, manifest);
  const known = new Set([MANIFEST]);
  for (const [output, { files }] of Object.entries(manifest.outputs)) {
    for (const file of files) {
      const name = `${output}/${file.path}`;
      known.add(name);
      const problem = await problemOf(join(outputFolder(folder, output), file.path), file);
      if (problem !== undefined) problems.push({ file: name, problem });
    }
  }
  const foreign = (await listFiles(folder)).filter((file) => !known.has(file));
  return [...problems, ...foreign.map((file) => ({ file, problem: 'is not in the manifest' }))];
}

function manifestProblems(folder: string, manifest: Manifest): FileProblem[] {
  const { fingerprint, recipe, inputs, outputs } = manifest;
  const problems: string[] = [];
  if (basename(folder) !== fingerprint.slice(0, 16)) {
    problems.push(`belongs to ${fingerprint.slice(0, 16)}, not to ${basename(folder)}`);
  }
  if (fingerprintOf({ recipe, inputs }) !== fingerprint) {
    problems.push('its fingerprint is not that of its recipe and inputs');
  }
  for (const [output, { digest, files }] of Object.entries(outputs)) {
    if (outputDigest(files) !== digest)
      problems.push(`digest of ${output} is not that of its files`);
  }
  return problems.map((problem) => ({ file: MANIFEST, problem }));
}

async function problemOf(
  path: string,
  { bytes, sha256 }: ManifestFile,
): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size !== bytes) return `has ${size} bytes, not ${bytes}`;
    const found = await digestFile(path);
    return found === sha256 ? undefined : `its SHA-256 is ${found}, not ${sha256}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is gone' : messageOf(error);
  }
}

/** A disk that cannot be read is a finding too: the other files are looked at all the same. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const MANIFEST = 'manifest.json';
