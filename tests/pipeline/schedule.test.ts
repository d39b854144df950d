import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cronFile, type ScheduledRun, ScheduleError, systemdFiles } from '#pipeline/schedule.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

function runIn(folder: string, changes: Partial<ScheduledRun> = {}): ScheduledRun {
  return {
    node: process.execPath,
    program: join(folder, 'decant.mjs'),
    args: ['run', '--config', join(folder, 'decant.yaml'), '--quiet'],
    folder,
    writes: [folder],
    user: userInfo().username,
    at: '02:30',
    mayUseGpu: false,
    ...changes,
  };
}

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

test('systemd accepts both units, also with a folder of odd characters', {
  skip: !hasSystemd && 'systemd-analyze is not installed',
}, () => {
  for (const name of ['plain', 'odd $HOME 100% "ü"']) {
    const folder = join(temporaryFolder(), name);
    mkdirSync(folder);
    const paths = systemdFiles(runIn(folder)).map(({ name: file, text }) => {
      const path = join(folder, '..', file);
      writeFileSync(path, text);
      return path;
    });
    assert.equal(paths.length, 2);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...paths], {
      encoding: 'utf8',
    });
    const ours = stderr.split('\n').filter((line) => line.includes('decant-'));
    assert.deepEqual(ours, []);
    assert.equal(status, 0, stderr);
  }
});

test('the line for cron runs as it is written, from the folder of the project', () => {
  const folder = join(temporaryFolder(), "it's 100% ours");
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'decant.mjs'),
    'console.log(process.cwd(), ...process.argv.slice(2));',
  );
  const line =
    cronFile(runIn(folder))
      .text.split('\n')
      .find((text) => !text.startsWith('#')) ?? '';
  assert.match(line, /^30 2 \* \* \* /);
  // cron takes \% for % and hands the rest to sh.
  const command = line.replace('30 2 * * * ', '').replaceAll('\\%', '%');
  assert.ok(!/(^|[^\\])%/.test(line));
  const said = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8', env: {} });
  assert.equal(said, `${folder} run --config ${join(folder, 'decant.yaml')} --quiet\n`);
});

test('a wrong time and a folder with a line break are refused', () => {
  assert.throws(() => cronFile(runIn('/a', { at: '25:00' })), ScheduleError);
  assert.throws(() => cronFile(runIn('/a\nb')), ScheduleError);
  assert.throws(() => systemdFiles(runIn('/a\nb')), ScheduleError);
});
