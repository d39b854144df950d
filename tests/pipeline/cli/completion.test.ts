import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { before, test } from 'node:test';
import { runCli } from '#tests/support/mini-project.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

let script = '';
before(async () => {
  script = (await runCli(['completion', 'bash'], temporaryFolder())).stdout;
});

/** What bash offers behind these words; the last one is being typed. */
function offered(...words: readonly string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const program = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _decant; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync('bash', ['--norc', '-c', program], { encoding: 'utf8' });
  return said.split('\n').filter((word) => word !== '');
}

test('commands, their subcommands and their options are offered', () => {
  assert.deepEqual(offered('decant', 'st'), ['status']);
  assert.deepEqual(offered('decant', 'cache', 'g'), ['gc']);
  assert.deepEqual(offered('decant', 'cache', 'gc', '--k'), ['--keep']);
  assert.deepEqual(offered('decant', 'schedule', ''), ['cron', 'systemd', '--help']);
});

test('options before a subcommand do not confuse it, and values are offered', () => {
  assert.deepEqual(offered('decant', 'run', '--quiet', '--log-format', ''), [
    'auto',
    'plain',
    'json',
  ]);
  assert.deepEqual(offered('decant', 'init', '--recipe', 'f'), ['few-labels']);
  assert.deepEqual(offered('decant', 'completion', 'b'), ['bash']);
});

test('a value that nobody can know is not completed with options', () => {
  assert.deepEqual(offered('decant', 'run', '--set', ''), []);
});
