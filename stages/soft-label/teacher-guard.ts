import { Failure } from '#cache/failure.ts';
import type { FinishedShards } from './finished-shards.ts';
import type { Provenance } from './provenance.ts';
import { recipeChanges } from './recipe-changes.ts';
import { idsOf, type OtherArtifact } from './sealed-rows.ts';

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

/** Throws when more than 1,000 rows to run stand in a sealed cache that was made with other settings. */
export async function guardTeacher(
  toRun: ReadonlySet<string>,
  others: readonly OtherArtifact[],
): Promise<void> {
  if (toRun.size <= GUARDED_ROWS) return;
  for (const { readers, changes } of others) {
    const held = [...(await idsOf(readers))].filter((exampleId) => toRun.has(exampleId));
    if (held.length > GUARDED_ROWS) throw new TeacherGuardError(held.length, changes);
  }
}

/** Throws when more than 1,000 rows stand in finished files that were made on another provider or runtime. */
export function guardFinished({ shards, provenance }: FinishedShards, now: Provenance): void {
  const rows = [...shards].reduce((sum, shard) => sum + shard.rows.length, 0);
  if (rows > GUARDED_ROWS) throw new TeacherGuardError(rows, recipeChanges(provenance, now));
}

const GUARDED_ROWS = 1000;
