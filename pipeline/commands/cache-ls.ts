import {
  type CacheEntry,
  type CacheFacts,
  cacheEntry,
  describeMode,
} from '#pipeline/caches/cache-facts.ts';
import { cacheFolders } from '#pipeline/caches/soft-label-caches.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { formatBytes, formatCount } from '#pipeline/observers/progress.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';
import { cacheNames } from '#pipeline/teachers/teachers.ts';

export interface CacheLsOptions extends ProjectOptions {
  readonly json?: boolean;
}

/** `decant cache ls`: the soft-label caches of the store, of each teacher the fresh one first. */
export async function cacheLsCommand(options: CacheLsOptions): Promise<number> {
  const project = openProject(options);
  const entries: CacheEntry[] = [];
  for (const folder of await cacheFolders(project)) entries.push(await cacheEntry(project, folder));
  if (options.json === true) {
    const shown = { schemaVersion: 1, store: project.store, caches: entries.map(jsonOf) };
    process.stdout.write(`${JSON.stringify(shown, null, 1)}\n`);
    return 0;
  }
  if (entries.length === 0) {
    process.stdout.write('no soft-label cache yet: npx decant run --to soft-label makes one\n');
    return 0;
  }
  process.stdout.write(`${textTable(...tableOf(entries, cacheNames(project).length > 1))}\n`);
  for (const entry of entries) {
    if ('problem' in entry) process.stderr.write(`${entry.problem.message}\n  ${MEND}\n`);
  }
  return 0;
}

/** Whose cache it is stands last, where there is a choice. */
function tableOf(entries: readonly CacheEntry[], several: boolean): [string[], unknown[][]] {
  if (!several) return [COLUMNS, entries.map(cellsOf)];
  const rows = entries.map((entry) => [...cellsOf(entry), entry.folder.teacher]);
  return [[...COLUMNS, 'teacher'], rows];
}

function cellsOf(entry: CacheEntry): unknown[] {
  const { shortFingerprint } = entry.folder;
  if ('problem' in entry) return [shortFingerprint, 'damaged', ...COLUMNS.slice(2).map(() => '')];
  const { meta, rows, bytes, artifact } = entry.facts;
  return [
    shortFingerprint,
    stateOf(entry.facts),
    formatCount(rows),
    describeMode(meta),
    meta.temperatures.join(', '),
    formatBytes(bytes),
    meta.provider,
    artifact.manifest.finishedAt.slice(0, 16).replace('T', ' '),
  ];
}

function jsonOf(entry: CacheEntry): object {
  const { shortFingerprint: fingerprint, folder, teacher } = entry.folder;
  if ('problem' in entry) {
    const { code, message } = entry.problem;
    return { fingerprint, folder, teacher, state: 'damaged', problem: { code, message } };
  }
  const { meta, rows, bytes, artifact } = entry.facts;
  const { mode, topK, temperatures, provider } = meta;
  const { fingerprint: full, finishedAt: madeAt } = artifact.manifest;
  const about = { mode, topK, temperatures, rows, bytes, provider, madeAt };
  return { fingerprint: full, folder, teacher, state: stateOf(entry.facts), ...about };
}

function stateOf({ isCurrent }: CacheFacts): string {
  return isCurrent ? 'fresh' : 'old';
}

const COLUMNS = [
  'cache',
  'state',
  'rows',
  'kept',
  'temperatures',
  'size',
  'provider',
  'made (UTC)',
];
const MEND = 'npx decant cache verify says what is broken; with --repair it is made again';
