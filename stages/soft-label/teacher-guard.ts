import { Failure } from '#cache/failure.ts';
import { IdIndex } from '#datasets/id-index.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import type { SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import type { FinishedShards } from './finished-shards.ts';
import type { Provenance } from './provenance.ts';
import { recipeChanges } from './recipe-changes.ts';
import type { SealedPlaces } from './sealed-places.ts';
import type { SealedRows } from './sealed-rows.ts';
import type { Shard } from './shards.ts';

/** A whole teacher pass would be repeated because of a changed setting or file. */
export class TeacherGuardError extends Failure {
  constructor(rows: number, changes: readonly string[]) {
    super(
      'usage',
      'E_TEACHER_GUARD',
      `${rows.toLocaleString('en-US')} rows that a sealed cache already holds would meet the teacher again, because of: ${changes.join('; ')}`,
      'set it back, or allow the new pass with --recompute-teacher',
    );
  }
}

/** Throws when more than 1,000 examples of these shards that are to run stand in a sealed cache that was made with other settings. */
export async function guardTeacher(
  shards: readonly Shard[],
  { others, places }: Pick<SealedRows, 'others' | 'places'>,
): Promise<void> {
  const rows = shards.reduce((sum, { fresh }) => sum + fresh.count, 0);
  if (others.length === 0 || rows <= GUARDED_ROWS) return;
  const toRun = await idsToRun(shards, places);
  for (const { readers, changes } of others) {
    const held = await countHeld(readers, toRun);
    if (held > GUARDED_ROWS) throw new TeacherGuardError(held, changes);
  }
}

async function idsToRun(
  shards: readonly Shard[],
  places: Pick<SealedPlaces, 'has'>,
): Promise<IdIndex> {
  const ids = new IdIndex();
  for await (const rows of readAhead(shards, (shard) => shard.read())) {
    for (const { exampleId } of rows) if (!places.has(exampleId)) ids.add(exampleId);
  }
  return ids;
}

/** How many of these examples the files hold; the rows of an example stand together. */
async function countHeld(
  readers: readonly SoftLabelReader[],
  wanted: Pick<IdIndex, 'has'>,
): Promise<number> {
  let held = 0;
  for (const reader of readers) {
    for (const shard of reader.shards.keys()) {
      const ids = await reader.readIds(shard);
      held += ids.filter((id, row) => id !== ids[row - 1] && wanted.has(id)).length;
    }
  }
  return held;
}

/** Throws when more than 1,000 rows stand in finished files that were made on another provider or runtime. */
export function guardFinished({ shards, provenance }: FinishedShards, now: Provenance): void {
  const rows = [...shards].reduce((sum, shard) => sum + shard.all.count, 0);
  if (rows > GUARDED_ROWS) throw new TeacherGuardError(rows, recipeChanges(provenance, now));
}

const GUARDED_ROWS = 1000;
