import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';
import {
  cronFile,
  type ScheduledRun,
  type ScheduleFile,
  systemdFiles,
} from '#pipeline/schedule.ts';

export interface ScheduleOptions extends ProjectOptions {
  /** Time of day, `HH:MM`. */
  readonly at: string;
  readonly metricsFile?: string;
  /** Folder to write the files to instead of printing them. */
  readonly output?: string;
}

/** `decant schedule cron|systemd`: ready files for the configuration as it is now. */
export async function scheduleCommand(
  kind: 'cron' | 'systemd',
  options: ScheduleOptions,
): Promise<number> {
  const run = scheduledRun(options);
  const files = kind === 'cron' ? [cronFile(run)] : systemdFiles(run);
  warnAboutEnvironment();
  if (options.output === undefined) process.stdout.write(printed(files));
  else await write(files, resolve(options.output));
  return 0;
}

function scheduledRun(options: ScheduleOptions): ScheduledRun {
  const { loaded, store } = openProject(options);
  const metricsFile = options.metricsFile && resolve(options.metricsFile);
  const set = (options.set ?? []).flatMap((assignment) => ['--set', assignment]);
  return {
    node: process.execPath,
    program: join(import.meta.dirname, '..', 'decant.mjs'),
    args: [
      'run',
      '--config',
      loaded.file,
      ...set,
      ...(options.store === undefined ? [] : ['--store', store]),
      ...(metricsFile === undefined ? [] : ['--metrics-file', metricsFile]),
      '--quiet',
      '--wait-lock',
      '10m',
    ],
    folder: loaded.folder,
    writes: [
      // A store that is not there yet has to be made, so its parent must be writable.
      existsSync(store) ? store : dirname(store),
      ...(metricsFile === undefined ? [] : [dirname(metricsFile)]),
    ],
    user: userInfo().username,
    at: options.at,
    mayUseGpu: loaded.config.device !== 'cpu',
  };
}

/** Schedulers start with an environment of their own: what is set here would be lost in silence. */
function warnAboutEnvironment(): void {
  const names = Object.keys(process.env).filter((name) => name.startsWith('DECANT_'));
  if (names.length === 0) return;
  process.stderr.write(
    `note: ${names.join(', ')} will not be set there: put settings into decant.yaml, or pass --set\n`,
  );
}

function printed(files: readonly ScheduleFile[]): string {
  if (files.length === 1) return files[0]?.text ?? '';
  return files.map(({ name, text }) => `# /etc/systemd/system/${name}\n${text}`).join('\n');
}

async function write(files: readonly ScheduleFile[], folder: string): Promise<void> {
  for (const { name, text } of files) {
    await writeFileAtomic(join(folder, name), text);
    process.stdout.write(`${join(folder, name)}\n`);
  }
}
