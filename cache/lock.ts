import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from 'fs-native-extensions';
import { Failure } from './failure.ts';

/** Who holds a lock: written into the lock file for the message only; the kernel's lock decides. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly since: string;
}

/** A held lock. A child process that inherits `fd` keeps it held after we are gone. */
export interface StoreLock {
  readonly fd: number;
  release(): void;
}

export interface LockOptions {
  /** How long to wait for a holder that is alive, in milliseconds. */
  readonly waitMs: number;
  /** Told once when there is something to wait for. */
  readonly onWait?: (holder: LockHolder) => void;
  /** Ends the waiting: its reason is thrown. */
  readonly signal?: AbortSignal;
}

export class StoreLockedError extends Failure {
  constructor(path: string, holder: LockHolder | undefined) {
    const who = holder
      ? `by process ${holder.pid} on ${holder.host} since ${holder.since}`
      : 'by another process';
    super(
      'retry',
      'E_LOCKED',
      `the store is in use ${who} (${path})`,
      'run again when it is done, or wait for it with --wait-lock 10m',
    );
  }
}

/**
 * Takes the exclusive kernel lock of a store. The kernel frees it when the last process that holds
 * the descriptor ends, however it ends: there are no stale locks.
 * A stage host whose command line was killed finishes its batch first; that is always waited for.
 */
export async function lockStore(path: string, options: LockOptions): Promise<StoreLock> {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'a+');
  const started = Date.now();
  let told = false;
  while (!tryLock(fd)) {
    const holder = readHolder(path);
    const isOver = Date.now() - started >= Math.max(options.waitMs, patienceMs(holder));
    if (isOver || options.signal?.aborted === true) {
      closeSync(fd);
      options.signal?.throwIfAborted();
      throw new StoreLockedError(path, holder);
    }
    if (!told && holder !== undefined) {
      options.onWait?.(holder);
      told = true;
    }
    await sleep(POLL_MS);
  }
  const holder: LockHolder = {
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
  };
  ftruncateSync(fd, 0);
  writeSync(fd, `${JSON.stringify(holder)}\n`, 0);
  return { fd, release: () => closeSync(fd) };
}

function readHolder(path: string): LockHolder | undefined {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockHolder>;
    if (typeof pid !== 'number' || typeof host !== 'string') return undefined;
    return { pid, host, since: String(since) };
  } catch {
    return undefined;
  }
}

/** How long even those wait who do not want to. */
function patienceMs(holder: LockHolder | undefined): number {
  // The one who has just taken the lock is about to write down who it is.
  if (holder === undefined) return UNNAMED_WAIT_MS;
  return isOrphaned(holder) ? ORPHAN_WAIT_MS : 0;
}

/** The process that took the lock is gone, so what still holds it is a stage host about to end. */
function isOrphaned(holder: LockHolder): boolean {
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    // EPERM: it is there, and it belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

const POLL_MS = 100;
const ORPHAN_WAIT_MS = 60_000;
const UNNAMED_WAIT_MS = 2000;
