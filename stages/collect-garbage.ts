import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Has V8 look for garbage now. By itself it may wait for hundreds of megabytes of it, and on a busy machine for more:
 * a long pass over rows would grow by what it has done with. Takes 20 to 50 ms of the thread.
 */
export function collectGarbage(): void {
  collect ??= collector();
  collect();
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  if (typeof found === 'function') return () => void found();
  throw new Error('this Node.js has no gc');
}

let collect: (() => void) | undefined;
