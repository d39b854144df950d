import { Failure } from '#cache/failure.ts';
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
    const held = (await idsOf(readers)).filter((exampleId) => toRun.has(exampleId));
    if (held.length > GUARDED_ROWS) throw new TeacherGuardError(held.length, changes);
  }
}

const GUARDED_ROWS = 1000;
