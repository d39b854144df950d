import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { StepCase } from './cases.ts';

/** PyTorch in a process of its own, which does what it is told line by line and sleeps in between. */
export interface TorchWorker {
  readonly what: string;
  /** Milliseconds of each step; the model of a case is made once, and compiled by torch.compile where asked. */
  steps(
    given: StepCase,
    how: { readonly steps: number; readonly compile: boolean },
  ): Promise<readonly number[]>;
  close(): void;
}

/**
 * Starts the Python that DECANT_TORCH_PYTHON names (python3 when left out); undefined and why on stderr where it
 * has no PyTorch.
 */
export async function startTorch(): Promise<TorchWorker | undefined> {
  const python = process.env['DECANT_TORCH_PYTHON'] ?? 'python3';
  const script = join(import.meta.dirname, 'torch_worker.py');
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const failed = once(child, 'error').then(
    () => undefined,
    () => undefined,
  );
  const answer = async (): Promise<Record<string, unknown> | undefined> => {
    const line = await Promise.race([lines.next(), failed]);
    return line === undefined || line.done === true ? undefined : JSON.parse(line.value);
  };
  const hello = await answer();
  if (hello === undefined) return undefined;
  return {
    what: String(hello['what']),
    async steps(given, how) {
      child.stdin.write(`${JSON.stringify({ case: given, ...how })}\n`);
      const reply = await answer();
      const taken = reply?.['ms'];
      if (!Array.isArray(taken)) {
        const why = reply === undefined ? 'it ended before its answer' : JSON.stringify(reply);
        throw new Error(`PyTorch: ${why}${how.compile ? '; --no-compile leaves this out' : ''}`);
      }
      return taken.map(Number);
    },
    close: () => child.stdin.end(),
  };
}
