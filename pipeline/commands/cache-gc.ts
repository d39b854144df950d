import { join, relative } from 'node:path';
import { lockStore } from '#cache/lock.ts';
import { removeOccupant } from '#cache/store-contents.ts';
import { bytesOf, findGarbage, type GarbageReport } from '#pipeline/caches/garbage.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { formatBytes, formatDuration } from '#pipeline/observers/progress.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface CacheGcOptions extends ProjectOptions {
  readonly dryRun?: boolean;
  readonly keep: number;
  readonly olderThan: number;
  readonly waitLock: number;
  readonly json?: boolean;
}

/** `decant cache gc`: removes what nobody needs, and says what and how much. */
export async function cacheGcCommand(options: CacheGcOptions): Promise<number> {
  const project = openProject(options);
  const nowMs = Date.now();
  const rules = { keepRuns: options.keep, olderThanMs: options.olderThan, nowMs };
  if (options.dryRun === true) {
    show(await findGarbage(project, rules), project.store, nowMs, options);
    return 0;
  }
  const { store } = project;
  const lock = await lockStore(join(store, 'lock'), { waitMs: options.waitLock });
  try {
    // Looked at under the lock: a run that ends meanwhile could make needed what was not.
    const report = await findGarbage(project, rules);
    for (const one of report.garbage) await removeOccupant(store, one);
    show(report, store, nowMs, options);
  } finally {
    lock.release();
  }
  return 0;
}

function show(report: GarbageReport, store: string, nowMs: number, options: CacheGcOptions): void {
  const { garbage, unreadable, keptBytes } = report;
  if (options.json === true) {
    const shown = { schemaVersion: 1, store, removed: options.dryRun !== true, ...report };
    process.stdout.write(`${JSON.stringify(shown, null, 1)}\n`);
    return;
  }
  const rows = garbage.map(({ path, bytes, changedAtMs, because }) => [
    relative(store, path),
    formatBytes(bytes),
    ageOf(nowMs - changedAtMs),
    because,
  ]);
  if (rows.length > 0) {
    process.stdout.write(`${textTable(['what', 'size', 'age', 'because'], rows)}\n\n`);
  }
  for (const { path } of unreadable) {
    process.stdout.write(`left in place, its manifest is unreadable: ${relative(store, path)}\n`);
  }
  const verb = options.dryRun === true ? 'would remove' : 'removed';
  process.stdout.write(
    `${verb} ${formatBytes(bytesOf(garbage))} in ${garbage.length} places, kept ${formatBytes(keptBytes)}\n`,
  );
}

function ageOf(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  return days > 0 ? `${days} d` : formatDuration(Math.max(0, ms));
}
