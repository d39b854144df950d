import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '#pipeline/setup/command.mjs';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** A checkout whose command line tells what it was given and ends with 10. */
function checkout(): string {
  const project = temporaryFolder();
  for (const path of ['package.json', 'pipeline/decant.mjs', 'pipeline/setup', 'cache/loader']) {
    cpSync(join(repository, path), join(project, path), { recursive: true });
  }
  writeFileSync(
    join(project, 'pipeline/cli.ts'),
    'const code: number = 10;\nconsole.log(process.cwd(), process.argv.slice(2).join());\nprocess.exitCode = code;\n',
  );
  return project;
}

test('on a clone without packages the command says what to run', async () => {
  const { status, stderr } = await runCommand(process.execPath, [
    join(checkout(), 'pipeline/decant.mjs'),
  ]);
  assert.equal(status, 2);
  assert.match(
    stderr,
    /the npm packages are not installed\n {2}fix: run npm start or npm run setup/,
  );
});

test('from any folder, whatever it holds, arguments go in and the exit code comes out', async () => {
  const project = checkout();
  symlinkSync(join(repository, 'node_modules'), join(project, 'node_modules'));
  const elsewhere = join(project, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(
    join(elsewhere, 'tsconfig.json'),
    '{ "compilerOptions": { "paths": { "*": ["/nowhere/*"] } } }',
  );
  const program = join(project, 'pipeline/decant.mjs');
  const args = [program, 'status', '--set', 'a.b=1'];
  const { status, stdout, stderr } = await runCommand(process.execPath, args, { cwd: elsewhere });
  assert.equal(status, 10, stderr);
  assert.equal(stdout, `${elsewhere} status,--set,a.b=1\n`);
});
