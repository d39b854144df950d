import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type MiniProject, miniProject } from './mini-project.ts';

/** One student of each architecture. */
export const STUDENTS = ['modernbert', 'bert', 'bag'] as const;

/** Longest input of the students. No multiple of 8, to which batches are padded; some rows are cut. */
export const STUDENT_LENGTH = 20;

/** What the classifier of the mini sample's teacher reads. */
const POOLED = '/m/bert/pooler/activation/Tanh_output_0';

/** A mini project that has been run, with folders of what it made. */
export interface FinishedProject {
  readonly project: MiniProject;
  /** Folder of an output, such as `artifact('soft-label', 'rows')`. */
  readonly artifact: (instance: string, ...output: readonly string[]) => string;
}

/** Runs the real pipeline on the mini sample and exports a student of every architecture. */
export async function exportedStudents(): Promise<FinishedProject> {
  const project = miniProject({
    student: { hiddenSize: 64, steps: 30, evaluateEvery: 30, maxLength: STUDENT_LENGTH },
    variants: Object.fromEntries(STUDENTS.map((architecture) => [architecture, { architecture }])),
    'soft-label': { topK: 3, temperatures: [1, 2], hidden: [POOLED] },
    'hard-relabel': undefined,
    export: { quantize: ['int8'] },
  });
  await succeed(project, 'run');
  for (const variant of STUDENTS.slice(1)) {
    await succeed(project, 'run', '--to', 'export-student', '--set', `export.variant=${variant}`);
  }
  return finished(project);
}

/** A project whose artifacts were each made once. */
export function finished(project: MiniProject): FinishedProject {
  return {
    project,
    artifact: (instance, ...output) => {
      const made = project.path('.decant', 'artifacts', instance.replace(':', '@'));
      const [fingerprint, ...others] = readdirSync(made);
      assert.ok(fingerprint !== undefined && others.length === 0, `${made} is not made once`);
      return project.path(
        '.decant',
        'artifacts',
        instance.replace(':', '@'),
        fingerprint,
        ...output,
      );
    },
  };
}

/** Runs a command that must end well. */
export async function succeed(project: MiniProject, ...args: string[]): Promise<void> {
  const { code, stderr } = await project.decant(...args);
  assert.equal(code, 0, `decant ${args.join(' ')}\n${stderr}`);
}
