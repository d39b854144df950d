import { join } from 'node:path';
import {
  openSoftLabels,
  type SoftLabelMeta,
  type SoftLabelRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Where they lie. */
export const root = temporaryFolder('decant-soft-labels');
let folders = 0;

/** Writes each entry as a shard of a new folder. */
export async function folderOf(shards: readonly (readonly [SoftLabelRows, SoftLabelMeta])[]) {
  folders += 1;
  const folder = join(root, String(folders));
  for (const [index, [rows, meta]] of shards.entries()) {
    await writeSoftLabelShard(join(folder, `part-0000${index}.parquet`), rows, meta);
  }
  return folder;
}

/** All rows of a folder, by row group and by shard. */
export async function readAll(folder: string) {
  const reader = await openSoftLabels(folder);
  try {
    const parts: SoftLabelRows[] = [];
    for await (const rows of reader.rows()) parts.push(rows);
    const shards = await Promise.all(reader.shards.map((_, index) => reader.readShard(index)));
    return { meta: reader.meta, rowCount: reader.rowCount, parts, shards };
  } finally {
    await reader.close();
  }
}

/** The rows as a file holds them: fixed point is rounded. */
export async function asStored(rows: SoftLabelRows, meta: SoftLabelMeta): Promise<SoftLabelRows> {
  const { shards } = await readAll(await folderOf([[rows, meta]]));
  return shards[0] ?? rows;
}
