import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileProblems } from '#cache/artifact-check.ts';
import { outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import { type Manifest, readManifest } from '#cache/manifest.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { brokenRows } from '#datasets/row-invariants.ts';
import { readShardFooter } from '#datasets/soft-labels/shard-footer.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';

/** One thing that is wrong with a cache, and where. */
export interface Finding {
  /** Relative to the cache, with forward slashes. */
  readonly file: string;
  /** Counted from 0, where a single row is wrong. */
  readonly row?: number;
  readonly exampleId?: string;
  readonly problem: string;
}

export interface Verification {
  readonly files: number;
  /** Rows that could be read. */
  readonly rows: number;
  readonly findings: readonly Finding[];
}

/** The cache was made anew or removed while it was read: what was found says nothing. */
export class CacheReplacedError extends Failure {
  constructor(folder: string) {
    const message = `${folder} was made again or removed while it was read`;
    super('retry', 'E_CACHE_REPLACED', message, 'run the same command again');
  }
}

/**
 * Reads all of a sealed cache: every file against its manifest, every page against its checksum, every
 * row against what must hold of it. Reads only; works beside a running writer.
 */
export async function verifyCache(folder: string): Promise<Verification> {
  const { manifest, files, findings } = await compareFiles(folder);
  let rows = 0;
  for (const split of SPLITS) {
    const found = await verifySplit(folder, split, manifest);
    rows += found.rows;
    findings.push(...withoutRepeats(found.findings, findings));
  }
  if (findings.length > 0) await refuseReplaced(folder, manifest);
  return { files, rows, findings };
}

/** Reads every file of any sealed artifact and compares it with the manifest. */
export async function verifyFiles(folder: string): Promise<Omit<Verification, 'rows'>> {
  const { manifest, files, findings } = await compareFiles(folder);
  if (findings.length > 0) await refuseReplaced(folder, manifest);
  return { files, findings };
}

/** `manifest` is undefined where it cannot be read. */
async function compareFiles(
  folder: string,
): Promise<{ manifest: Manifest | undefined; files: number; findings: Finding[] }> {
  const manifest = await readManifest(folder).catch(asFinding(folder, 'manifest.json'));
  if (manifest === undefined || 'problem' in manifest) {
    const finding = manifest ?? { file: 'manifest.json', problem: 'is gone' };
    return { manifest: undefined, files: 0, findings: [finding] };
  }
  const findings: Finding[] = await fileProblems(folder, manifest);
  return { manifest, files: fileCount(manifest), findings };
}

async function verifySplit(
  folder: string,
  split: Split,
  manifest: Manifest | undefined,
): Promise<{ rows: number; findings: Finding[] }> {
  const output = `rows/${split}`;
  const reader = await openSoftLabels(outputFolder(folder, output)).catch(
    asFinding(folder, output),
  );
  if ('problem' in reader) return { rows: 0, findings: await eachShard(folder, output, reader) };
  try {
    const findings = footerFindings(reader, output, manifest);
    const seen = new Set<string>();
    let rows = 0;
    for (const [index, path] of reader.shards.entries()) {
      const file = nameIn(folder, path);
      const shard = await reader.readShard(index).catch(asFinding(folder, file));
      if ('problem' in shard) findings.push(shard);
      else {
        rows += shard.rowCount;
        findings.push(
          ...brokenRows(shard, reader.meta, split, seen).map((one) => ({ file, ...one })),
        );
      }
    }
    return { rows, findings };
  } finally {
    await reader.close();
  }
}

/** Where the shards cannot be opened together: those that cannot be read alone, or else all of them. */
async function eachShard(folder: string, output: string, together: Finding): Promise<Finding[]> {
  const names = await readdir(outputFolder(folder, output)).catch(() => []);
  const findings: Finding[] = [];
  for (const file of names.filter((name) => name.startsWith('part-')).sort()) {
    const name = `${output}/${file}`;
    const read = await readShardFooter(join(folder, name), { pages: true }).catch(
      asFinding(folder, name),
    );
    if ('problem' in read) findings.push(read);
  }
  return findings.length > 0 ? findings : [together];
}

function footerFindings(
  { meta }: SoftLabelReader,
  output: string,
  manifest: Manifest | undefined,
): Finding[] {
  const wanted = manifest && fingerprintOf(manifest.recipe);
  if (wanted === undefined || meta.fingerprint === wanted) return [];
  const problem = `its footers belong to the recipe ${meta.fingerprint.slice(0, 16)}, the manifest to ${wanted.slice(0, 16)}`;
  return [{ file: output, problem }];
}

/** A file that differs from its manifest need not also be told to be unreadable; its rows still are. */
function withoutRepeats(found: readonly Finding[], known: readonly Finding[]): Finding[] {
  const files = known.map(({ file }) => file);
  return found.filter(
    ({ file, row }) => row !== undefined || !files.some((one) => one.startsWith(file)),
  );
}

async function refuseReplaced(folder: string, before: Manifest | undefined): Promise<void> {
  const now = await readManifest(folder).catch(() => undefined);
  if (before !== undefined && now?.finishedAt !== before.finishedAt) {
    throw new CacheReplacedError(folder);
  }
}

/** A finding in words: file, row where there is one, and what is wrong. */
export function describeFinding({ file, row, exampleId, problem }: Finding): string {
  return row === undefined
    ? `${file}: ${problem}`
    : `${file}: row ${row} (example ${exampleId}): ${problem}`;
}

/** Turns an expected failure into a finding about a file; the path in its message is cut short. */
function asFinding(folder: string, file: string): (error: unknown) => Finding {
  return (error) => {
    if (!(error instanceof Failure)) throw error;
    return { file, problem: error.message.replaceAll(`${folder}/`, '') };
  };
}

function nameIn(folder: string, path: string): string {
  return relative(folder, path).replaceAll('\\', '/');
}

function fileCount({ outputs }: Manifest): number {
  return Object.values(outputs).reduce((sum, { files }) => sum + files.length, 0);
}
