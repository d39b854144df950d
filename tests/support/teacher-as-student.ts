import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleFolder } from './paths.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A copy of the mini sample's teacher: an exported student is a valid teacher directory, and the other way round. */
export function teacherAsStudent(): string {
  const folder = temporaryFolder();
  cpSync(join(sampleFolder('mini'), 'teacher'), folder, { recursive: true });
  return folder;
}

/** Adds settings to a student's config.json. */
export function setInConfig(folder: string, settings: Readonly<Record<string, unknown>>): void {
  const file = join(folder, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, ...settings }));
}
