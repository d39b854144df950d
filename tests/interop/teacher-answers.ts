import assert from 'node:assert/strict';
import type { FinishedProject } from '#tests/support/exported-students.ts';
import { runPython } from '#tests/support/python.ts';

/** Of a cache of the best classes, but for what it has a temperature. */
export const TOP_K_COLUMNS = ['top_logits', 'top_ids', 'entropy_nats'] as const;

/** Asks the teacher by Python's onnxruntime about every row of the cache: best classes equal, all numbers within 1e-4. */
export async function assertAsInPython(
  run: FinishedProject,
  teacher: string,
  expected: { readonly rows: number; readonly columns: readonly string[] },
): Promise<void> {
  const found = await runPython<TeacherAnswers>(
    'interop/teacher.py',
    teacher,
    run.artifact('prepare', 'inputs'),
    run.artifact('prepare', 'tokens', 'teacher'),
    run.artifact('soft-label', 'rows'),
  );
  assert.deepEqual([found.rows, found.sameTop1], [expected.rows, expected.rows]);
  assert.deepEqual(Object.keys(found.differences), expected.columns);
  for (const [column, difference] of Object.entries(found.differences)) {
    assert.ok(difference <= 1e-4, `${column}: ${difference}`);
  }
}

interface TeacherAnswers {
  readonly rows: number;
  readonly sameTop1: number;
  readonly differences: Readonly<Record<string, number>>;
}
