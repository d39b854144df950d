import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { placeOfEvent, type Summaries, summaryEvent, versionEvent } from './events.ts';
import { recordOf, wholeRecords } from './records.ts';

/** The beginning of its name: TensorBoard takes any file with `tfevents` in it. */
export const EVENT_FILE_PREFIX = 'events.out.tfevents';

/** A file that TensorBoard shows. */
export interface EventFile {
  append(step: number, summaries: Summaries): Promise<void>;
}

/**
 * Opens the event file of a folder. `keeps` tells which events of an interrupted run stay: the others are
 * made again. `now` is in milliseconds since 1970.
 */
export async function openEventFile(
  folder: string,
  keeps: (event: { readonly step: number; readonly tag: string }) => boolean,
  now: () => number,
): Promise<EventFile> {
  const path = join(folder, `${EVENT_FILE_PREFIX}.0.decant`);
  const earlier = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const [version = versionEvent(now() / 1000), ...events] = wholeRecords(earlier);
  const kept = [version, ...events.filter((bytes) => keeps(placeOfEvent(bytes)))];
  await writeFileAtomic(path, Buffer.concat(kept.map(recordOf)));
  return {
    append: (step, summaries) =>
      appendFile(path, recordOf(summaryEvent(now() / 1000, step, summaries))),
  };
}
