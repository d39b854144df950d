import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { Reject } from '#datasets/corpus/reject.ts';

/** Writes rejects.jsonl, one rejected row a line, and summary.json with the number of each code. */
export async function writeRejects(folder: string, rejects: readonly Reject[]): Promise<void> {
  const lines = rejects.map((reject) => `${JSON.stringify(reject)}\n`).join('');
  await writeFileAtomic(join(folder, 'rejects.jsonl'), lines);
  const summary = { formatVersion: 1, total: rejects.length, counts: countByCode(rejects) };
  await writeFileAtomic(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
}

/** How many rejects each code has, by name of the code. */
export function countByCode(rejects: readonly Reject[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of rejects) counts[code] = (counts[code] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}
