import { spawn } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { decantProgram, sampleFolder } from './paths.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** How a command ended and what it said. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project of its own in a temporary folder: the mini corpus, its teacher and a decant.yaml. */
export interface MiniProject {
  readonly folder: string;
  /** Runs the real command line in the project's folder. */
  decant(...args: string[]): Promise<CliResult>;
  path(...parts: string[]): string;
}

/** Copies the mini sample and writes a configuration that trains in seconds; `settings` replaces sections. */
export function miniProject(settings: Readonly<Record<string, unknown>> = {}): MiniProject {
  const folder = temporaryFolder('decant mini ü');
  cpSync(sampleFolder('mini'), folder, { recursive: true });
  writeFileSync(join(folder, 'decant.yaml'), stringify({ ...miniConfig, ...settings }));
  return {
    folder,
    decant: (...args) => runCli(args, folder),
    path: (...parts) => join(folder, ...parts),
  };
}

/** Settings of the mini project. */
export const miniConfig = {
  corpus: {
    train: ['labelled.csv', 'unlabelled.jsonl'],
    validation: 'validation.jsonl',
    test: 'test.jsonl',
  },
  teacher: { model: 'teacher', maxLength: 64 },
  'soft-label': { topK: 3, temperatures: [1, 2] },
  student: { layers: 1, hiddenSize: 64, steps: 60, evaluateEvery: 30, checkpointEvery: 20 },
  variants: {
    'gold-only': { softLossWeight: 0, hardLossWeight: 1 },
    distilled: { temperature: 2 },
    relabelled: { initFrom: 'distilled', labels: 'hard-relabel' },
  },
  'hard-relabel': { student: 'distilled', minConfidence: 0.5 },
};

/** Runs `decant ARGS` as a process of its own, without a terminal. */
export async function runCli(
  args: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const child = spawn(process.execPath, [decantProgram, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, ...said };
}
