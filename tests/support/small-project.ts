import { readFileSync, writeFileSync } from 'node:fs';
import { type MiniProject, miniProject } from './mini-project.ts';

/** Settings of the small project: one variant, trained for a moment. */
export const smallConfig = {
  'soft-label': { topK: 3, temperatures: [1, 2], shardRows: 16 },
  student: { layers: 1, hiddenSize: 32, steps: 20, evaluateEvery: 10, checkpointEvery: 5 },
  variants: { distilled: { temperature: 2 } },
  'hard-relabel': undefined,
};

/** The mini project with few rows and one variant, for tests that run it many times. */
export function smallProject(settings: Readonly<Record<string, unknown>> = {}): MiniProject {
  const project = miniProject({ ...smallConfig, ...settings });
  for (const [file, rows] of Object.entries(ROWS)) keepEvenly(project.path(file), rows);
  return project;
}

/** The rows lie sorted by label, so every n-th is kept and each class with it. */
function keepEvenly(file: string, count: number): void {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const header = file.endsWith('.csv') ? lines.splice(0, 1) : [];
  const step = lines.length / count;
  const kept = Array.from({ length: count }, (_, row) => lines[Math.floor(row * step)] ?? '');
  writeFileSync(file, `${[...header, ...kept].join('\n')}\n`);
}

const ROWS = {
  'labelled.csv': 60,
  'unlabelled.jsonl': 40,
  'validation.jsonl': 36,
  'test.jsonl': 36,
};
