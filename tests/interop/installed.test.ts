import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { repository } from '#tests/support/paths.ts';
import { runProgram } from '#tests/support/python.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

describe('a folder into which npm has installed the tarball', () => {
  const folder = temporaryFolder();
  const installed = join(folder, 'node_modules');

  before(async () => {
    const pack = ['pack', '--ignore-scripts=false', '--pack-destination', folder];
    const packed = await runProgram('npm', pack, { cwd: repository });
    assert.equal(packed.code, 0, packed.stderr);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    assert.ok(tarball);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    await npmInstall(`./${tarball}`);
    const sample = join(installed, 'decant/dist/datasets/samples/mini');
    cpSync(sample, join(folder, 'data'), { recursive: true });
  });

  test('npx decant doctor ends with 1 and says what to run', async () => {
    const { code, stdout } = await npx('doctor');
    assert.equal(code, 1, stdout);
    assert.match(stdout, /✖ npm packages +not in node_modules: .*onnxruntime-node/);
    assert.match(stdout, /✖ TensorFlow .*\n +-> run npx decant setup\n/);
    assert.match(stdout, /✔ DuckDB/);
    assert.doesNotMatch(stdout, /npm run setup|npm ci/, 'the words of a checkout');
  });

  test('npx decant setup puts the libraries in place, once', async () => {
    const first = await npx('setup');
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /npm puts .*onnxruntime-node.* into node_modules/);
    assert.match(first.stderr, /ready: TensorFlow 2\.21\.0 on .*, ONNX Runtime 1\.30\.0 on /);
    assert.equal(first.stdout, '');
    const again = await npx('setup');
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stderr, /in place: TensorFlow/);
    assert.doesNotMatch(again.stderr, /npm puts/);
  });

  test('npx decant doctor then finds nothing missing', async () => {
    const { code, stdout } = await npx('doctor');
    assert.equal(code, 0, stdout);
    assert.doesNotMatch(stdout, /✖/);
    assert.match(stdout, /✔ npm packages +as Decant asks for/);
  });

  test('npx decant init and run distil the mini sample', async () => {
    const init = await npx('init', 'data/labelled.csv', '--teacher', 'data/teacher');
    assert.equal(init.code, 0, init.stderr);
    assert.match(init.stdout, /wrote decant\.yaml\. Next:/);
    const quick = ['student.architecture=bag', 'student.steps=40', 'student.evaluateEvery=40'];
    const run = await npx('run', ...quick.flatMap((setting) => ['--set', setting]));
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /^distilled +\d\d\.\d %/m);
    const student = /^student +(\S+)$/m.exec(run.stdout)?.[1] ?? '';
    assert.ok(existsSync(join(folder, student, 'onnx/model.onnx')), run.stdout);
    const { code, stdout } = await npx('predict', '--student', student);
    assert.equal(code, 0);
    assert.match(stdout, /^\w+\t[01]\.\d+\tlost my card\n$/);
  });

  test('another npm install takes the libraries out, and a run says so', async () => {
    await npmInstall();
    assert.ok(!existsSync(join(installed, 'onnxruntime-node')));
    const { code, stderr } = await npx('run', '--force', 'train-student:distilled');
    assert.equal(code, 3, stderr);
    assert.match(stderr, /note: the native libraries are not set up: run npx decant setup/);
  });

  async function npmInstall(...packages: readonly string[]): Promise<void> {
    const args = ['install', '--no-audit', '--no-fund', ...packages];
    const { code, stderr } = await runProgram('npm', args, { cwd: folder });
    assert.equal(code, 0, stderr);
  }

  function npx(...args: readonly string[]) {
    return runProgram('npx', ['decant', ...args], { cwd: folder, input: 'lost my card\n' });
  }
});
