import { execFileSync } from 'node:child_process';

/** The commit a folder stands at, with `-dirty` behind it when tracked files differ; null outside git. */
export function gitCommitOf(folder: string): string | null {
  try {
    const said = execFileSync('git', ['-C', folder, ...DESCRIBE], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5000,
    });
    return said.trim() || null;
  } catch {
    return null;
  }
}

// No tag is allowed to match, so that `describe` gives the whole commit.
const DESCRIBE = [
  '--no-optional-locks',
  'describe',
  '--always',
  '--dirty',
  '--abbrev=40',
  '--exclude=*',
];
