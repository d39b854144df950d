import { isValueTask, type Task, type ValueTask } from '#datasets/task.ts';
import { finiteNumber, isBlank, RejectedValue, typeOf, valueOf } from './rejected-value.ts';

/** How the labels of a task are written whose label is no single class. */
export interface ValueForm {
  readonly task: ValueTask;
  /** Between the parts of a label in one cell of a table file. */
  readonly separator: string;
}

/** The same, and where they stand. */
export interface ValueLabelRule extends ValueForm {
  /** One column with all of a label, or a column for each output or class. */
  readonly columns: string | readonly string[];
}

/** How labels of this task are written; undefined where a label is one class. */
export function valueFormOf(task: Task | undefined, separator = ','): ValueForm | undefined {
  return isValueTask(task) ? { task, separator } : undefined;
}

/**
 * The label of a row as a JSON list: numbers (regression) or names of classes, sorted (multi-label), so that
 * equal labels are equal texts. null where the row has none; `[]` is a label that names no class.
 */
export function valueLabelIn(
  values: Readonly<Record<string, unknown>>,
  rule: ValueLabelRule,
): string | null {
  const { columns, task } = rule;
  if (typeof columns !== 'string') return severalColumns(values, task, columns);
  return valueLabelOf(valueOf(values, columns), { ...rule, columns });
}

/** The same for a label in one cell. */
export function valueLabelOf(
  value: unknown,
  { task, columns: column, separator }: ValueLabelRule & { readonly columns: string },
): string | null {
  if (isBlank(value)) return null;
  const parts = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? value.split(separator).filter((part) => part.trim() !== '')
      : [value];
  if (task === 'regression') return JSON.stringify(parts.map((part) => numberIn(column, part)));
  return classesAsLabel(parts.map((part) => nameIn(column, part)));
}

function severalColumns(
  values: Readonly<Record<string, unknown>>,
  task: ValueTask,
  columns: readonly string[],
): string | null {
  const cells = columns.map((column) => [column, valueOf(values, column)] as const);
  if (cells.every(([, value]) => isBlank(value))) return null;
  const numbers = cells.map(([column, value]) => numberIn(column, value));
  if (task === 'regression') return JSON.stringify(numbers);
  const odd = cells.find((_, place) => numbers[place] !== 0 && numbers[place] !== 1);
  if (odd !== undefined) {
    throw new RejectedValue(odd[0], 'wrong-type', 'neither 0 nor 1', odd[1]);
  }
  return classesAsLabel(columns.filter((_, place) => numbers[place] === 1));
}

function classesAsLabel(names: readonly string[]): string {
  return JSON.stringify([...new Set(names)].sort());
}

function numberIn(column: string, value: unknown): number {
  const number = finiteNumber(value);
  if (number !== undefined) return number;
  const found = typeof value === 'string' ? 'text' : typeOf(value);
  throw new RejectedValue(column, 'wrong-type', `${found} instead of a number`, value);
}

function nameIn(column: string, value: unknown): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new RejectedValue(column, 'wrong-type', `${typeOf(value)} instead of a class`, value);
}
