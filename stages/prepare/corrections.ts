import { type Correction, CorrectionError } from '#datasets/corpus/corrections.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import type { ClassList } from './class-list.ts';
import type { SourceRow } from './read-corpus.ts';

/**
 * Puts corrected labels in place of those of the corpus. Every row with that text gets it and is marked:
 * where near-equal rows are merged, corrected ones alone decide.
 */
export function correctRows(
  rows: readonly SourceRow[],
  corrections: ReadonlyMap<string, Correction>,
  classes: ClassList,
): SourceRow[] {
  const known = new Set(rows.map(({ exampleId }) => exampleId));
  for (const correction of corrections.values()) requireUsable(correction, known, classes);
  return rows.map((row) => {
    const correction = corrections.get(row.exampleId);
    return correction === undefined ? row : { ...row, label: correction.label, isCorrected: true };
  });
}

function requireUsable(
  correction: Correction,
  known: ReadonlySet<string>,
  { classNames, idOfLabel }: ClassList,
): void {
  const { exampleId, label } = correction;
  if (!known.has(exampleId)) {
    const fix = 'take the row out, or give the corpus file that holds its text to corpus.*';
    throw new CorrectionError(correction, `no row of the corpus is example "${exampleId}"`, fix);
  }
  if (idOfLabel.has(label)) return;
  const nearest = nearestName(label, classNames);
  const hint = nearest === undefined ? '' : `, nearest class "${nearest}"`;
  const fix = `write one of the ${classNames.length} classes of the teacher, or leave the label empty`;
  throw new CorrectionError(correction, `"${label}" is no class of the teacher${hint}`, fix);
}
