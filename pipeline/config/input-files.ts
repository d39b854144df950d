import { stat } from 'node:fs/promises';
import { Failure } from '#cache/failure.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';

/** A file that decant.yaml names cannot be read. */
export class InputFileError extends Failure {
  constructor(path: string, role: string, problem: string) {
    const setting = CORPUS_ROLES.includes(role)
      ? `corpus.${role}`
      : (SETTINGS[role] ?? 'teacher.model');
    super(
      'data',
      'E_INPUT_FILE',
      `${path}: ${problem}`,
      `set ${setting} to a file that exists; paths are relative to decant.yaml`,
    );
  }
}

/** Throws for the first file that is not there or is none. `role` is the name that the graph gives it. */
export async function requireInputFile(role: string, path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new InputFileError(path, role, 'there is no such file');
  });
  if (found.isDirectory()) throw new InputFileError(path, role, 'is a folder, not a file');
}

/** Looks at every file that a graph reads from outside the store. */
export async function requireInputFiles(graph: readonly StageInstance[]): Promise<void> {
  for (const { files } of graph) {
    for (const [role, paths] of Object.entries(files)) {
      for (const path of paths) await requireInputFile(role, path);
    }
  }
}

const CORPUS_ROLES = ['train', 'validation', 'test', 'corrections'];

/** Of the other roles, those that teacher.model does not name. */
const SETTINGS: Readonly<Record<string, string>> = {
  answers: 'teacher.answers',
  initialiseConfig: 'initialise.from',
  initialiseTokenizer: 'initialise.from',
  initialiseWeights: 'initialise.from',
  softLoss: 'student.softLoss.module',
};
