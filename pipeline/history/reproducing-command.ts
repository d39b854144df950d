import { basename } from 'node:path';
import { type LoadedConfig, valueAt } from '#pipeline/config/config.ts';

/**
 * What to type in the folder of the configuration to get a run with its settings again: `npx decant run`, with the
 * file where it is not decant.yaml, and with every setting that a flag or the environment gave, as --set.
 */
export function reproducingCommand({ config, file, origins }: LoadedConfig): string {
  const name = basename(file);
  const given = [...origins].flatMap(([path, origin]) => {
    // What `decant sweep` tries is nothing that a run is made from.
    if (origin === 'file' || origin === 'default' || path.split('.')[0] === 'sweep') return [];
    return ['--set', quoted(`${path}=${JSON.stringify(valueAt(config, path) ?? null)}`)];
  });
  const from = name === 'decant.yaml' ? [] : ['--config', quoted(name)];
  return ['npx decant run', ...from, ...given].join(' ');
}

/** For a POSIX shell. */
function quoted(word: string): string {
  return /^[\w./=:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
