import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that is removed when the process of the test file ends. */
export function temporaryFolder(name = 'decant-test'): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  if (folders.size === 0) process.once('exit', removeFolders);
  folders.add(folder);
  return folder;
}

function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

const folders = new Set<string>();
