import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Root of the repository. */
export const repository = join(import.meta.dirname, '..', '..');

/** The command line that tests run: the checkout's, or the packed one that `npm test` has built of it. */
export const decantProgram =
  process.env['TESTED_DECANT'] ?? join(repository, 'pipeline', 'decant.mjs');

/** Folder of a sample that ships with the project. */
export function sampleFolder(name: 'banking77' | 'mini'): string {
  return join(repository, 'datasets', 'samples', name);
}

/** Folder of the golden files. */
export const goldenFolder = join(repository, 'tests', 'golden');

/** The shared folder beside the checkout with more real data, or undefined where it is absent. */
export function sharedFolder(): string | undefined {
  const folder = join(repository, '..', 'shared');
  return existsSync(join(folder, 'data')) ? folder : undefined;
}
