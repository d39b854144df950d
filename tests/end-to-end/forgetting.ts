import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { exampleIdOf } from '#datasets/example-id.ts';
import type { MiniProject } from '#tests/support/mini-project.ts';

/** A row of the corpus. */
export interface Row {
  readonly id: string;
  readonly text: string;
}

/** What a forgetting writes down of itself. */
export interface Receipt {
  readonly finishedAt: string | null;
  readonly rows: Readonly<Record<string, number>>;
  readonly artifacts: readonly { readonly instance: string }[];
  readonly files: readonly { readonly path: string }[];
  readonly removed: readonly string[];
  readonly students: readonly { readonly instance: string; readonly trainedOn: number }[];
  readonly exports: readonly { readonly instance: string }[];
}

/** Folder of the newest artifact of an instance. */
export function artifactOf(store: string, instance: string): string {
  const parent = join(store, 'artifacts', instance);
  const folders = readdirSync(parent).map((name) => join(parent, name));
  const madeAt = (folder: string): string =>
    JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')).finishedAt;
  return folders.toSorted((a, b) => (madeAt(a) < madeAt(b) ? 1 : -1))[0] ?? '';
}

/** The first test row whose text the report shows. */
export function reportedRow(project: MiniProject): Row {
  const page = readFileSync(
    join(artifactOf(project.path('.decant'), 'report'), 'report', 'report.html'),
    'utf8',
  );
  const lines = readFileSync(project.path('test.jsonl'), 'utf8').trimEnd().split('\n');
  const found = lines
    .map((line): Row => JSON.parse(line))
    .find(({ text }) => page.includes(`<bdi>${text}</bdi>`));
  assert.ok(found !== undefined, 'the report shows no plain text');
  return found;
}

/** What the quarantine says of a row, and the last words of a host that quote it again. */
export function addLogLine(store: string, { id, text }: Row): void {
  const [run = ''] = readdirSync(join(store, 'runs'));
  const message = `left out: train row ${exampleIdOf(text)} (id ${id}) ${JSON.stringify(text)}`;
  const event = { type: 'warning', message };
  const lines = [
    { type: 'stage-event', instance: 'soft-label', event },
    { type: 'stage-failed', failure: { message: `ended after ${JSON.stringify(event)}` } },
  ].map((line) => `${JSON.stringify(line)}\n`);
  appendFileSync(join(store, 'runs', run, 'run.jsonl'), lines.join(''));
}

/** Waits until the receipt names so many artifacts, or the command has ended. */
export async function untilRewritten(
  store: string,
  artifacts: number,
  ended: Promise<unknown>,
): Promise<void> {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver) {
    const folder = join(store, 'receipts');
    const [name] = existsSync(folder)
      ? readdirSync(folder).filter((one) => one.endsWith('.json'))
      : [];
    const found: Receipt | undefined =
      name === undefined ? undefined : JSON.parse(readFileSync(join(folder, name), 'utf8'));
    if (found !== undefined && found.artifacts.length >= artifacts) return;
    await sleep(2);
  }
}

/** Digests of volatile files (logs hold times of the copy) are not compared. */
export function withoutLogs(value: unknown): unknown {
  return Array.isArray(value)
    ? value.filter((one) => !String((one as { path?: string }).path ?? '').includes('run'))
    : value;
}
