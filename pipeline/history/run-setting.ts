import type { RunSetting } from '#pipeline/observers/run-log.ts';
import type { Project } from '#pipeline/project.ts';
import { decantVersion } from '#pipeline/version.ts';
import { gitCommitOf } from './git-commit.ts';

/** What run.json says that a run was made with. */
export function runSetting({ loaded }: Project): RunSetting {
  return {
    versions: { decant: decantVersion(), node: process.version },
    gitCommit: gitCommitOf(loaded.folder),
    config: loaded.config,
  };
}
