import { labelsOf } from '#datasets/corpus/corpus-row.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import type { ClassList } from './class-list.ts';
import { type UnknownLabel, UnknownLabelError } from './prepare-errors.ts';
import type { SourceRow } from './read-corpus.ts';

/** Throws when the corpus has labels that are no class; all of them at once, each with its first place. */
export function requireKnownLabels(rows: readonly SourceRow[], classes: ClassList): void {
  const unknown = new Map<string, UnknownLabel>();
  for (const row of rows) {
    const { file, line } = row;
    for (const label of labelsOf(row)) {
      if (classes.idOfLabel.has(label)) continue;
      const seen = unknown.get(label);
      if (seen !== undefined) unknown.set(label, { ...seen, rows: seen.rows + 1 });
      else {
        const nearest = nearestName(label, classes.classNames);
        unknown.set(label, { label, file, line, rows: 1, nearest });
      }
    }
  }
  if (unknown.size > 0) throw new UnknownLabelError([...unknown.values()], classes.classNames);
}

/** Classes that no labelled row has. */
export function unusedClasses(rows: readonly SourceRow[], classes: ClassList): string[] {
  const used = new Set(
    rows.flatMap((row) => labelsOf(row).map((label) => classes.idOfLabel.get(label))),
  );
  return classes.classNames.filter((_, id) => !used.has(id));
}

/** True where a label found its class by number: worth a word, because numbers can be numbered otherwise. */
export function usesNumbers(rows: readonly SourceRow[], classes: ClassList): boolean {
  if (!classes.byNumber) return false;
  const names = new Set(classes.classNames);
  return rows.some((row) => labelsOf(row).some((label) => !names.has(label)));
}
