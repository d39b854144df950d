import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { decantProgram } from './paths.ts';

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A command line that is running. */
export interface RunningCli {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Resolves when stderr has this in it; rejects when the process ends without having said it. */
  said(pattern: RegExp): Promise<void>;
  /** The process in which a stage runs, if there is one now. */
  hostPid(): number | undefined;
  kill(signal: NodeJS.Signals): void;
  /** What Ctrl-C in a terminal does: the command line and its host get the signal. */
  killGroup(signal: NodeJS.Signals): void;
}

export interface StartOptions {
  readonly cwd: string;
  /** Program and arguments to run it under, such as strace. */
  readonly under?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `decant ARGS` in a process group of its own and returns at once. */
export function startCli(args: readonly string[], options: StartOptions): RunningCli {
  const decant = [process.execPath, decantProgram, ...args];
  const [program = '', ...rest] = [...(options.under ?? []), ...decant];
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} does not start`);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ending>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
  return {
    pid,
    ended,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(stderr)) resolve();
        };
        look();
        child.stderr.on('data', look);
        child.on('close', () => reject(new Error(`it never said ${pattern.source}:\n${stderr}`)));
      }),
    hostPid: () =>
      processes().find(({ parent, command }) => parent === pid && isHost(command))?.pid,
    kill: (signal) => void child.kill(signal),
    killGroup: (signal) => void process.kill(-pid, signal),
  };
}

/** Every process of this machine that can be seen (Linux only). */
function processes(): { pid: number; parent: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        // The name in brackets may hold anything, so the fields are counted from behind it.
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return [
          { pid: Number(name), parent, command: readFileSync(`/proc/${name}/cmdline`, 'utf8') },
        ];
      } catch {
        // It has ended since.
        return [];
      }
    });
}

function isHost(command: string): boolean {
  return /stage-host\.[jt]s/.test(command);
}
