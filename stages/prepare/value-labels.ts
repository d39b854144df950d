import { Failure } from '#cache/failure.ts';
import { isValueTask, type Task } from '#datasets/task.ts';
import type { ClassList } from './class-list.ts';
import type { SourceRow } from './read-corpus.ts';

/** A label has another number of values than the model has outputs. */
export class TargetCountError extends Failure {
  constructor({ file, line }: SourceRow, found: number, classNames: readonly string[]) {
    super(
      'data',
      'E_CORPUS_LABEL',
      `${file} line ${line}: ${found} numbers in the label, but the model has ${classNames.length} outputs (${classNames.slice(0, 5).join(', ')}${classNames.length > 5 ? ', ...' : ''})`,
      'give every label one number an output, in their order, or name the columns in corpus.columns.label',
    );
  }
}

/** Rows with one class as their label each: a row of several classes stands for itself once for each. */
export function rowsByClass(rows: readonly SourceRow[], task: Task | undefined): SourceRow[] {
  if (task === 'regression') return [];
  if (task !== 'multi-label') return [...rows];
  return rows.flatMap((row) =>
    row.label === null
      ? [row]
      : labelParts(row.label).map((part) => ({ ...row, label: String(part) })),
  );
}

/** Throws where a label has not one number for every output. */
export function requireTargetCounts(
  rows: readonly SourceRow[],
  { classNames }: ClassList,
  task: Task | undefined,
): void {
  if (task !== 'regression') return;
  for (const row of rows) {
    const found = row.label === null ? classNames.length : labelParts(row.label).length;
    if (found !== classNames.length) throw new TargetCountError(row, found, classNames);
  }
}

/** Numbers of the first label; 1 where there is none. */
export function outputsIn(rows: readonly SourceRow[]): number {
  const label = rows.find((row) => row.label !== null)?.label;
  return label === null || label === undefined ? 1 : labelParts(label).length;
}

/** What makes gold values of a label: a number an output, or 1 for every class that it names. */
export function targetsOf(
  { classNames, idOfLabel }: ClassList,
  task: Task | undefined,
): ((label: string) => Float32Array) | undefined {
  if (!isValueTask(task)) return undefined;
  return (label) => {
    if (task === 'regression') return Float32Array.from(labelParts(label), Number);
    const targets = new Float32Array(classNames.length);
    for (const name of labelParts(label)) targets[idOfLabel.get(String(name)) ?? -1] = 1;
    return targets;
  };
}

/** The classes or numbers of a label: opposite of `valueLabelIn`. */
export function labelParts(label: string): unknown[] {
  const parts: unknown = JSON.parse(label);
  return Array.isArray(parts) ? parts : [];
}
