import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packagesAreCurrent } from '#pipeline/setup/packages.mjs';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const runtime = { 'node_modules/a': { version: '1.0.0' } };
const tools = { 'node_modules/t': { version: '2.0.0', dev: true } };
const other = { 'node_modules/o': { version: '3.0.0', optional: true } };

function projectWith(wanted: object, present?: object): string {
  const project = mkdtempSync(join(folder, 'project-'));
  mkdirSync(join(project, 'node_modules'));
  const write = (file: string, packages: object) =>
    writeFileSync(join(project, file), JSON.stringify({ packages }));
  write('package-lock.json', { '': {}, ...wanted });
  if (present !== undefined) write('node_modules/.package-lock.json', present);
  return project;
}

test('packages are current when node_modules holds the locked versions', () => {
  const all = { ...runtime, ...tools, ...other };
  assert.ok(packagesAreCurrent(projectWith(all, all), { development: true }));
  // Optional packages of other platforms are not installed.
  assert.ok(packagesAreCurrent(projectWith(all, { ...runtime, ...tools }), { development: true }));
});

test('an absent, unfinished or older node_modules is not current', () => {
  const older = { 'node_modules/a': { version: '0.9.0' } };
  assert.ok(!packagesAreCurrent(projectWith(runtime), { development: false }));
  assert.ok(!packagesAreCurrent(projectWith(runtime, {}), { development: false }));
  assert.ok(!packagesAreCurrent(projectWith(runtime, older), { development: false }));
});

test('the tools for tests are missed only where they are needed', () => {
  const project = projectWith({ ...runtime, ...tools }, runtime);
  assert.ok(packagesAreCurrent(project, { development: false }));
  assert.ok(!packagesAreCurrent(project, { development: true }));
});

test('package-lock.json names no download host, and install scripts are off', () => {
  const lock = readFileSync(join(repository, 'package-lock.json'), 'utf8');
  assert.deepEqual(lock.match(/"resolved":.*/g), null);
  assert.match(readFileSync(join(repository, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m);
});
