import { gitCommitOf } from './git-commit.ts';
import type { RunSetting } from './observers/run-log.ts';
import type { Project } from './project.ts';
import { decantVersion } from './version.ts';

/** What run.json says that a run was made with. */
export function runSetting({ loaded }: Project): RunSetting {
  return {
    versions: { decant: decantVersion(), node: process.version },
    gitCommit: gitCommitOf(loaded.folder),
    config: loaded.config,
  };
}
