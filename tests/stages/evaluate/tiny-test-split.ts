import { join } from 'node:path';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  classFolder,
  exampleId,
  labelFolder,
  softLabelFolder,
  softLabelsOf,
  TINY_CLASSES,
  tinyLogits,
  tinyMeta,
  tinyStudent,
  tinyTokens,
  tokenFolder,
} from '#tests/support/tiny-world.ts';

/** 70 rows of the test split, their tokens, and what the tiny student says of them. */
export const ids = Array.from({ length: 70 }, (_, row) => exampleId(row));
export const tokens = tinyTokens(ids);
export const logits = ids.map((_, row) => tinyLogits(tokens, row));
export const best = logits.map((row) => row.indexOf(Math.max(...row)));
// The gold class is the student's own but for every seventh row; two rows have none.
export const gold = Object.fromEntries(
  ids.slice(2).map((id, row) => [id, ((best[row + 2] ?? 0) + (row % 7 === 0 ? 1 : 0)) % 3]),
);

/** Inputs of evaluate for the tiny student, or for a teacher of the same logits. */
export async function inputs(
  subject: 'teacher' | 'student',
  changes: { topK?: number; gold?: Record<string, number>; classNames?: string[] } = {},
): Promise<Record<string, string>> {
  const folder = temporaryFolder();
  const meta = tinyMeta({
    topK: changes.topK ?? 2,
    classNames: changes.classNames ?? TINY_CLASSES,
  });
  const rows = ids.map((id, row) => ({ id, logits: logits[row] ?? [] }));
  return {
    ...(subject === 'student' && { student: await tinyStudent(join(folder, 'student'), tokens) }),
    [`tokens/${subject}/test`]: await tokenFolder(join(folder, 'tokens'), tokens),
    // Another order than the tokens have: rows are joined by id.
    'rows/test': await softLabelFolder(
      join(folder, 'rows'),
      softLabelsOf('test', rows.toReversed(), meta),
      meta,
    ),
    'labels/test': await labelFolder(join(folder, 'labels'), changes.gold ?? gold),
    classes: await classFolder(join(folder, 'classes')),
  };
}
