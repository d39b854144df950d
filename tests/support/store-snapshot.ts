import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly files: readonly {
          readonly path: string;
          readonly bytes: number;
          readonly sha256: string;
          readonly volatile?: true;
        }[];
      }
    >
  >;
}

/**
 * What a store holds: path -> SHA-256 of every file that can be equal twice. Throws when an artifact
 * is torn: no manifest, a file that is gone, of another size or with other bytes, or one too many.
 */
export function storeSnapshot(store: string): Record<string, string> {
  const snapshot: Record<string, string> = {};
  for (const folder of artifactFolders(store)) {
    const { outputs } = JSON.parse(
      readFileSync(join(store, folder, 'manifest.json'), 'utf8'),
    ) as Manifest;
    const listed = new Set(['manifest.json']);
    for (const [output, { files }] of Object.entries(outputs)) {
      for (const { path, bytes, sha256, volatile } of files) {
        const relative = `${output}/${path}`;
        const content = readFileSync(join(store, folder, relative));
        const isWhole = content.length === bytes && sha256Of(content) === sha256;
        if (!isWhole) throw new Error(`${folder}/${relative} is torn`);
        listed.add(relative);
        if (volatile !== true) snapshot[`${folder}/${relative}`] = sha256;
      }
    }
    const stray = filesIn(join(store, folder)).find((path) => !listed.has(path));
    if (stray !== undefined) throw new Error(`${folder}/${stray} is in no manifest`);
  }
  return snapshot;
}

/** Folders of the sealed artifacts, relative to the store. */
function artifactFolders(store: string): string[] {
  return foldersIn(store, 'artifacts').flatMap((instance) => foldersIn(store, instance));
}

function foldersIn(store: string, folder: string): string[] {
  if (!existsSync(join(store, folder))) return [];
  return readdirSync(join(store, folder))
    .sort()
    .map((name) => join(folder, name));
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
