import { Failure, type FailureKind } from '#cache/failure.ts';
import type { FailureReport } from './events.ts';

/** What the process ends with; documented in the README and relied upon by schedulers. */
export const EXIT_CODES = {
  done: 0,
  internal: 1,
  usage: 2,
  data: 3,
  model: 3,
  gate: 4,
  corrupt: 5,
  notFresh: 10,
  retry: 75,
  interrupted: 130,
} as const satisfies Record<FailureKind | 'done' | 'internal' | 'notFresh', number>;

/** Exit code of a failure, expected or not. */
export function exitCodeOf(failure: FailureReport): number {
  return isKind(failure.kind) ? EXIT_CODES[failure.kind] : EXIT_CODES.internal;
}

/** A failure that another process has already put into words. */
export class ReportedFailure extends Error {
  readonly report: FailureReport;

  constructor(report: FailureReport) {
    super(report.message);
    this.report = report;
  }
}

/** Any thrown value as data that can cross a process border. */
export function reportOf(error: unknown): FailureReport {
  if (error instanceof ReportedFailure) return error.report;
  if (error instanceof Failure) {
    return { kind: error.kind, code: error.code, message: error.message, fix: error.fix };
  }
  const disk = diskFailure(error);
  if (disk !== undefined) return disk;
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return {
    kind: 'internal',
    code: 'E_INTERNAL',
    message,
    fix: 'this is a fault of Decant: please report it with the lines above',
    ...(stack === undefined ? {} : { stack }),
  };
}

/** A failure in words: what happened, then the way out. */
export function describeFailure(failure: FailureReport): string {
  const lines = [failure.message];
  if (failure.stack !== undefined) lines.push(failure.stack);
  lines.push(`  ${failure.code}: ${failure.fix}`);
  return lines.join('\n');
}

function isKind(kind: string): kind is FailureKind {
  return Object.hasOwn(EXIT_CODES, kind);
}

/** System errors that are no fault of ours: a full or broken disk, missing permission. */
function diskFailure(error: unknown): FailureReport | undefined {
  const { code = '', path, message } = (error ?? {}) as NodeJS.ErrnoException;
  const known = DISK_FAILURES[code];
  if (known === undefined) return undefined;
  return { ...known, message: `${path ?? 'the store'}: ${message}` };
}

const DISK_FULL = {
  kind: 'retry',
  code: 'E_DISK_FULL',
  fix: 'free some space and run the same command again: finished parts are kept',
};
const NOT_WRITABLE = {
  kind: 'usage',
  code: 'E_NOT_WRITABLE',
  fix: 'make it writable, or choose another store with --store DIR',
};
const BROKEN_DISK = {
  kind: 'retry',
  code: 'E_IO',
  fix: 'check the disk, then run the same command again: finished parts are kept',
};
const DISK_FAILURES: Readonly<Record<string, Omit<FailureReport, 'message'>>> = {
  ENOSPC: DISK_FULL,
  EDQUOT: DISK_FULL,
  EROFS: NOT_WRITABLE,
  EACCES: NOT_WRITABLE,
  EPERM: NOT_WRITABLE,
  EIO: BROKEN_DISK,
};
