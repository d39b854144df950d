import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '#tests/support/paths.ts';

/** The lines of the README that open the cache in Python, as they stand there. */
export function pythonLines(): string[] {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  return readme.split('\n').filter((line) => line.startsWith('python3 -c'));
}
