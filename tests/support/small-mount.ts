import { spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { temporaryFolder } from './temporary-folder.ts';

/** A file system of its own in memory, that can be full or read-only. */
export interface SmallMount {
  readonly folder: string;
  /** Changes its options: `ro`, `rw`, `size=64m`. */
  remount(options: string): void;
}

/** Mounts a tmpfs for one test; undefined, and the test skipped, where this is not allowed. */
export function smallMount(t: TestContext, options: string): SmallMount | undefined {
  const folder = temporaryFolder('decant-mount');
  const mounted = mount('-t', 'tmpfs', '-o', options, 'tmpfs', folder);
  if (mounted !== undefined) {
    t.skip(`a tmpfs cannot be mounted: ${mounted}`);
    return undefined;
  }
  t.after(() => spawnSync('umount', ['--lazy', folder]));
  return {
    folder,
    remount(changed) {
      const problem = mount('-o', `remount,${changed}`, folder);
      if (problem !== undefined) throw new Error(problem);
    },
  };
}

/** What went wrong, or undefined. */
function mount(...args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}
