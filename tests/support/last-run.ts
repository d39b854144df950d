import { readFileSync } from 'node:fs';
import type { RunRecord } from '#pipeline/history/run-record.ts';
import type { MiniProject } from './mini-project.ts';

/** What the last run of a project has left of itself. */
export function lastRun(project: Pick<MiniProject, 'path'>): RunRecord {
  return JSON.parse(readFileSync(project.path('.decant', 'last-run.json'), 'utf8')) as RunRecord;
}
