import { excerptOf, type RejectCode } from './reject.ts';

/** A value that takes its row out of the corpus. Not a failure of the run: the reader makes a reject of it. */
export class RejectedValue extends Error {
  readonly column: string;
  readonly code: RejectCode;
  readonly reason: string;
  readonly excerpt: string;

  constructor(column: string, code: RejectCode, reason: string, value: unknown) {
    super(reason);
    this.column = column;
    this.code = code;
    this.reason = reason;
    this.excerpt = value === undefined ? '' : shown(value);
  }
}

/** Own properties only: a column named `constructor` must not find what every object inherits. */
export function valueOf(values: Readonly<Record<string, unknown>>, column: string): unknown {
  return Object.hasOwn(values, column) ? values[column] : undefined;
}

/** The kind of a value, for messages. */
export function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
}

/** A number as JSON or a table file writes it; undefined where it is none. */
export function finiteNumber(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  const isText = typeof value === 'string' && value.trim() !== '';
  const number = isText ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Is there nothing in this cell? */
export function isBlank(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
  );
}

function shown(value: unknown): string {
  return excerptOf(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}
