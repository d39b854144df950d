// `npm test`: sets up what is missing, then types, format, lint, unused code and all tests.
// With arguments (files or folders under tests/): only those tests; `--quick` makes tests/crash short.
import './node-version.mjs';
import path from 'node:path';
import { runCommand } from './command.mjs';
import { projectFolder } from './places.mjs';
import { runTests } from './run-tests.mjs';
import { setUp } from './setup.mjs';
import { runProgram } from './setup-error.mjs';

/** Named, so that it never wanders into node_modules where .gitignore is absent. */
const FOLDERS = ['pipeline', 'stages', 'datasets', 'cache', 'tests'];

const CHECKS = [
  { name: 'types', command: ['tsc'] },
  { name: 'format', command: ['biome', 'check', '.'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings', ...FOLDERS] },
  { name: 'unused code', command: ['knip'] },
];

await runProgram(async () => {
  await setUp({ development: true });
  const args = process.argv.slice(2);
  const selection = args.filter((arg) => arg !== '--quick');
  if (selection.length === 0 && !(await passesChecks())) return 1;
  return await runTests(selection, args.includes('--quick') ? { DECANT_CRASH: 'quick' } : {});
});

/** All of them run, so that one look shows all there is to mend. */
async function passesChecks() {
  let passed = true;
  for (const { name, command } of CHECKS) {
    const [tool = '', ...args] = command;
    const startedAt = Date.now();
    const file = path.join(projectFolder, 'node_modules/.bin', tool);
    const { status, stdout, stderr } = await runCommand(file, args, { cwd: projectFolder });
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    console.log(`${status === 0 ? '✔' : '✖'} ${name} (${seconds} s)`);
    if (status === 0) continue;
    console.log(`${stdout}${stderr}`);
    passed = false;
  }
  return passed;
}
