import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { CorpusColumns, CorpusRow } from '#datasets/corpus/corpus-row.ts';
import { openCorpus } from '#datasets/corpus/open-corpus.ts';
import type { Reject } from '#datasets/corpus/reject.ts';
import type { Task } from '#datasets/task.ts';

/** Writes a small corpus file, packed where its name ends in .gz; returns its path. */
export function corpusFile(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(content) : content);
  return path;
}

/** One JSON object a line. */
export function jsonLines(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** Good rows and rejects of one corpus file. */
export async function readCorpusFile(
  path: string,
  columns: CorpusColumns = { text: 'text', label: 'label', id: 'id' },
  task?: Task,
): Promise<{ rows: CorpusRow[]; rejects: Reject[] }> {
  const rows: CorpusRow[] = [];
  const rejects: Reject[] = [];
  for await (const entry of openCorpus(path, columns, task)) {
    if (entry.type === 'row') rows.push(entry.row);
    else rejects.push(entry.reject);
  }
  return { rows, rejects };
}
