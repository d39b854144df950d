import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Receipt } from './receipt.ts';

/** Logs that `rewrite` changes: absolute path -> new text. */
export async function heldLogs(
  store: string,
  rewrite: (text: string) => string,
): Promise<Map<string, string>> {
  const runs = join(store, 'runs');
  const folders = existsSync(runs) ? (await readdir(runs)).sort() : [];
  const paths = [
    ...folders.flatMap((run) => ['run.jsonl', 'run.json'].map((name) => join(runs, run, name))),
    join(store, 'last-run.json'),
  ];
  const held = new Map<string, string>();
  for (const path of paths.filter(existsSync)) {
    const text = await readFile(path, 'utf8');
    const rewritten = rewrite(text);
    if (rewritten !== text) held.set(path, rewritten);
  }
  return held;
}

/** Puts the new fingerprints of rewritten artifacts into a log, so that `cache gc` keeps what a tag keeps. */
export function renamingOf(artifacts: Receipt['artifacts']): (text: string) => string {
  const names = new Map(
    artifacts.flatMap(({ before, after }) => [
      [before.fingerprint, after.fingerprint],
      [before.fingerprint.slice(0, 16), after.fingerprint.slice(0, 16)],
    ]),
  );
  return (text) => text.replace(FINGERPRINT, (name) => names.get(name) ?? name);
}

/** Whole, or as the name of a folder. */
const FINGERPRINT = /(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{16})(?![0-9a-f])/g;
