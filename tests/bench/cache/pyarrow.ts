import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nativeCacheFolder } from '#pipeline/setup/places.mjs';
import type { Sample } from './measure.ts';

/** pyarrow in a process of its own that answers one request after the other. */
export interface Pyarrow {
  readonly version: string;
  /** Loads the table that is written from now on. */
  load(path: string): Promise<void>;
  /** Writes the loaded table with pyarrow's defaults, or as tuned as its options allow. */
  write(path: string, codec: string, tuned: boolean): Promise<Sample>;
  read(path: string): Promise<Sample>;
  close(): void;
}

/** The Python that `npm run test:interop` made, or why there is none. */
export function findPython(): { python: string } | { reason: string } {
  const named = process.env['DECANT_INTEROP_PYTHON'];
  if (named !== undefined) return { python: named };
  const cache = nativeCacheFolder();
  const folders = existsSync(cache) ? readdirSync(cache) : [];
  const made = folders
    .filter((name) => name.startsWith('interop-'))
    .find((name) => existsSync(join(cache, name, '.done')));
  if (made === undefined)
    return { reason: 'no Python with pyarrow; npm run test:interop makes one' };
  return { python: join(cache, made, 'bin/python') };
}

/** Starts the process. */
export async function startPyarrow(python: string): Promise<Pyarrow> {
  const script = join(import.meta.dirname, 'pyarrow_times.py');
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: object): Promise<Record<string, unknown>> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error(`${script} has ended: its message stands above`);
    return JSON.parse(value);
  };
  const sample = async (request: object): Promise<Sample> => {
    const { wallMs, cpuMs } = await ask(request);
    return { wallMs: Number(wallMs), cpuMs: Number(cpuMs) };
  };
  return {
    version: String((await ask({ type: 'version' }))['version']),
    load: async (path) => {
      await ask({ type: 'load', path });
    },
    write: (path, codec, tuned) => sample({ type: 'write', path, codec, tuned }),
    read: (path) => sample({ type: 'read', path }),
    close: () => child.stdin.end(),
  };
}
