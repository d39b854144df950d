import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Artifact } from '#cache/artifact-store.ts';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { Reject } from '#datasets/corpus/reject.ts';
import { countRowsOf, removeRows, type ShardLayout } from '#datasets/remove-rows.ts';
import { writeRejects } from '#stages/prepare/write-rejects.ts';
import type { Redaction } from './redaction.ts';

/** Files of an artifact that hold forgotten rows, relative to its folder, with the number of rows. */
export async function heldFiles(
  { folder, manifest }: Artifact,
  redaction: Redaction,
): Promise<Map<string, number>> {
  const held = new Map<string, number>();
  for (const [output, { files }] of Object.entries(manifest.outputs)) {
    for (const { path } of files) {
      const count = await countIn(join(folder, output, path), redaction);
      if (count > 0) held.set(`${output}/${path}`, count);
    }
  }
  return held;
}

/** Writes these files anew without the rows. */
export async function rewriteFiles(
  folder: string,
  paths: Iterable<string>,
  redaction: Redaction,
  layout: ShardLayout,
): Promise<void> {
  const tables: string[] = [];
  for (const path of paths) {
    const absolute = join(folder, path);
    if (basename(path) === PAGE) {
      await writeFileAtomic(absolute, redaction.page(await readFile(absolute, 'utf8')));
    } else if (basename(path) === REJECTS) {
      const kept = (await readRejects(absolute)).filter((one) => !redaction.isForgotten(one));
      await writeRejects(dirname(absolute), kept);
    } else {
      tables.push(absolute);
    }
  }
  await removeRows(tables, redaction.exampleIds, layout);
}

async function countIn(path: string, redaction: Redaction): Promise<number> {
  if (basename(path) === PAGE) {
    const page = await readFile(path, 'utf8');
    return redaction.page(page) === page ? 0 : 1;
  }
  if (basename(path) === REJECTS) {
    return (await readRejects(path)).filter((reject) => redaction.isForgotten(reject)).length;
  }
  return countRowsOf(path, redaction.exampleIds);
}

async function readRejects(path: string): Promise<Reject[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter(Boolean);
  return lines.map((line): Reject => JSON.parse(line));
}

const PAGE = 'report.html';
const REJECTS = 'rejects.jsonl';
