import { Failure } from '#cache/failure.ts';
import { EXIT_CODES } from '#pipeline/failures.ts';
import type { StopReason } from './host-protocol.ts';

/** A request to stop; the host is told the reason. */
class StopRequest extends Failure {
  readonly stopReason: StopReason;

  constructor(stopReason: StopReason) {
    const interrupted = stopReason === 'interrupted';
    const fix = 'run the same command again: it goes on where this one stopped';
    super(
      interrupted ? 'interrupted' : 'retry',
      interrupted ? 'E_INTERRUPTED' : 'E_STOPPED',
      `stopped (${stopReason})`,
      fix,
    );
    this.stopReason = stopReason;
  }
}

/** Why a run is asked to stop, as the reason of its signal. */
export function stopRequest(reason: StopReason): Failure {
  return new StopRequest(reason);
}

/** Signals for a run: the reason of `stop` is a StopRequest; `kill` comes with the second SIGINT. */
export interface StopRequests {
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
  close(): void;
}

/** SIGINT once: finish or drop the open part and stop; twice: at once. SIGTERM and time limit: exit 75. */
export function listenForStop(maxDurationMs: number | undefined): StopRequests {
  const stopping = new AbortController();
  const killing = new AbortController();
  const stop = (reason: StopReason) => stopping.abort(new StopRequest(reason));
  const onInterrupt = () => {
    if (!stopping.signal.aborted) {
      process.stderr.write('\nstopping after the batch at hand; Ctrl-C again stops at once\n');
      return stop('interrupted');
    }
    killing.abort();
    setTimeout(() => process.exit(EXIT_CODES.interrupted), 200).unref();
  };
  const onTerminate = () => stop('terminated');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  const timer =
    maxDurationMs === undefined ? undefined : setTimeout(() => stop('time-limit'), maxDurationMs);
  return {
    stop: stopping.signal,
    kill: killing.signal,
    close() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
      clearTimeout(timer);
    },
  };
}
