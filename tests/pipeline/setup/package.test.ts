import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { repository } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const run = promisify(execFile);

describe('the package that npm pack makes', () => {
  let esm: string;
  let files: readonly string[];
  let tarball: string;

  before(async () => {
    const folder = temporaryFolder();
    const pack = ['pack', '--ignore-scripts=false', '--json', '--pack-destination', folder];
    const { stdout } = await run('npm', pack, { cwd: repository });
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as PackedFiles[];
    assert.ok(packed);
    files = packed.files.map(({ path }) => path);
    tarball = join(folder, packed.filename);
    esm = await projectWith(tarball, { type: 'module' });
  });

  test('holds JavaScript, types and the mini sample, and neither sources nor tests', () => {
    for (const file of [
      'LICENSE',
      'NOTICE',
      'README.md',
      'pipeline/decant.mjs',
      'dist/pipeline/api.d.ts',
      'dist/datasets/samples/mini/teacher/onnx/model.onnx',
      'dist/pipeline/setup/tfjs_binding-linux-x64.node',
    ]) {
      assert.ok(files.includes(file), file);
    }
    const strays = files.filter(
      (file) =>
        /(^|[^d])\.ts$|banking77|^dist\/sources|tests\//.test(file) && !file.endsWith('.d.ts'),
    );
    assert.deepEqual(strays, []);
    const manifest = readJson(join(esm, 'node_modules/decant/package.json'));
    assert.deepEqual(
      Object.keys(manifest.dependencies).filter((name) => /tensorflow|onnxruntime/.test(name)),
      [],
      'an install would run scripts that download',
    );
  });

  test('publint and attw find nothing wrong with its entries', async () => {
    // Node >= 20.19 requires ES modules, as the CommonJS project below does; attw does not know that yet.
    const requires = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
    const checks = { publint: ['--strict'], attw: requires };
    for (const [name, args] of Object.entries(checks)) {
      const program = join(repository, 'node_modules/.bin', name);
      await run(program, [tarball, ...args]).catch((error: unknown) => {
        assert.fail(`${name}: ${(error as { stdout: string }).stdout}`);
      });
    }
  });

  test('an ESM project runs the mini sample without a word on stdout, and is told codes', async () => {
    const { stdout } = await node(esm, 'run.mjs', RUN);
    const said = JSON.parse(stdout) as Said;
    for (const file of ['labels.d.ts', 'baseline.json', 'onnx/model_quantized.onnx']) {
      assert.ok(existsSync(join(said.student, file)), file);
    }
    assert.ok(said.accuracy > 0.3, `accuracy ${said.accuracy}`);
    assert.deepEqual(said.events.slice(0, 2), ['run-started', 'stage-started']);
    assert.equal(said.events.at(-1), 'run-finished');
    assert.deepEqual(said.codes, ['E_INTERRUPTED', 'E_CONFIG_MISSING', 'E_CONFIG', 'E_GATE']);
    assert.equal(said.topK, 3);
    assert.ok(said.recommended.startsWith('onnx/model'), said.recommended);
    const report = readFileSync(said.report, 'utf8');
    assert.match(report, /Recommended file: <code>onnx\/model/);
    assert.match(report, /Operating point: <code>precision &#62;= 0\.5<\/code>/);
    assert.deepEqual(said.abstained, [true, false], 'as the operating point has it');
    assert.deepEqual(said.listeners, [0, 0]);
  });

  test('a CommonJS project runs the mini sample and uses its student', async () => {
    const cjs = temporaryFolder();
    writeFileSync(join(cjs, 'package.json'), '{ "type": "commonjs" }');
    symlinkSync(join(esm, 'node_modules'), join(cjs, 'node_modules'));
    cpSync(join(esm, 'data'), join(cjs, 'data'), { recursive: true });
    const { stdout } = await node(cjs, 'classify.js', CLASSIFY);
    const [answer, code] = JSON.parse(stdout) as [{ label: string }, string];
    assert.ok(answer.label.length > 0);
    assert.equal(code, 'E_STUDENT');
  });

  test('its types check a switch over the labels', async () => {
    writeFileSync(join(esm, 'route.ts'), ROUTE);
    const tsc = join(repository, 'node_modules/.bin/tsc');
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
    const types = ['--types', 'node', '--typeRoots', join(repository, 'node_modules/@types')];
    await run(tsc, [...flags, ...types, 'route.ts'], { cwd: esm }).catch((error: unknown) => {
      assert.fail((error as { stdout: string }).stdout);
    });
  });

  test('its command starts, and says how to get the native libraries', async () => {
    const decant = join(esm, 'node_modules/decant/pipeline/decant.mjs');
    const { stdout, stderr } = await run(process.execPath, [decant, '--version'], { cwd: esm });
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
    assert.equal(stderr, '', 'what loads no model needs no libraries');
    const refused = await run(process.execPath, [decant, 'run'], { cwd: temporaryFolder() }).then(
      () => assert.fail('ran without a decant.yaml'),
      (error: unknown) => (error as { stderr: string }).stderr,
    );
    assert.equal(refused.match(/npx decant setup/g)?.length, 1, refused);
  });
});

/** A folder with the package in its node_modules; packages that it asks for are links to ours. */
async function projectWith(tarball: string, manifest: { readonly type: string }): Promise<string> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const own = join(folder, 'node_modules', 'decant');
  mkdirSync(own, { recursive: true });
  await run('tar', ['xzf', tarball, '-C', own, '--strip-components=1']);
  const { dependencies, peerDependencies } = readJson(join(own, 'package.json'));
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const at = join(folder, 'node_modules', name);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), at);
  }
  cpSync(join(own, 'dist/datasets/samples/mini'), join(folder, 'data'), { recursive: true });
  return folder;
}

function node(folder: string, file: string, code: string, ...args: readonly string[]) {
  writeFileSync(join(folder, file), code);
  return run(process.execPath, [file, ...args], { cwd: folder });
}

function readJson(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

interface PackedFiles {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

interface Said {
  readonly student: string;
  readonly accuracy: number;
  readonly events: readonly string[];
  readonly codes: readonly string[];
  readonly topK: number;
  readonly recommended: string;
  readonly report: string;
  readonly abstained: readonly boolean[];
  readonly listeners: readonly number[];
}

const RUN = `
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'decant';
import { openSoftLabels } from 'decant/cache';
import { loadStudent } from 'decant/student';

const config = {
  corpus: {
    train: ['data/labelled.csv', 'data/unlabelled.jsonl'],
    validation: 'data/validation.jsonl',
    test: 'data/test.jsonl',
  },
  teacher: { model: 'data/teacher', maxLength: 64 },
  'soft-label': { topK: 3 },
  variants: { distilled: { architecture: 'bag', evaluateEvery: 40 } },
  export: { quantize: ['int8'], goal: { precision: 0.5 } },
};
const codeOf = (running) => running.then(() => 'none', (error) => error.code);
const listeners = [process.listenerCount('SIGINT'), process.listenerCount('SIGTERM')];
const interrupted = await codeOf(run(config, { signal: AbortSignal.abort() }));
const events = [];
const outcome = await run(config, {
  set: { 'variants.distilled.steps': 40 },
  onEvent: (event) => {
    if (event.type !== 'stage-event') events.push(event.type);
    listeners[0] = Math.max(listeners[0], process.listenerCount('SIGINT'));
  },
});
cpSync(outcome.student, 'student', { recursive: true });
const cache = await openSoftLabels(join(outcome.cache, 'train'));
const { topK } = cache.meta;
await cache.close();
const codes = [
  interrupted,
  await codeOf(run('nowhere.yaml')),
  await codeOf(run({ ...config, stupid: 1 })),
  await codeOf(run({ ...config, gate: { accuracy: 1.0 } }, { set: { 'variants.distilled.steps': 40 } })),
];
const { metrics } = outcome.models.find(({ name }) => name === 'distilled.int8');
const { recommendedFile, report, operatingPoint } = outcome;
const student = await loadStudent('student');
const [answer] = await student.classify(['lost my card']);
await student.close();
const { thresholds, threshold } = operatingPoint;
const abstained = [answer.abstained === answer.confidence < (thresholds[answer.label] ?? threshold), answer.confidence > 1];
const recommended = recommendedFile.file;
const said = { student: outcome.student, accuracy: metrics.accuracy, events, codes, topK, listeners, recommended, report, abstained };
process.stdout.write(JSON.stringify(said));
`;

const CLASSIFY = `
const { run } = require('decant');
const { loadStudent } = require('decant/student');
(async () => {
  const outcome = await run({
    corpus: { train: 'data/labelled.csv', validation: 'data/validation.jsonl', test: 'data/test.jsonl' },
    teacher: { model: 'data/teacher', maxLength: 64 },
    variants: { distilled: { architecture: 'bag', steps: 20, evaluateEvery: 20 } },
    export: { quantize: ['int8'] },
  });
  const student = await loadStudent(outcome.student, { precision: 'int8' });
  const [answer] = await student.classify(['lost my card']);
  await student.close();
  const code = await loadStudent('nowhere').catch((error) => error.code);
  process.stdout.write(JSON.stringify([answer, code]));
})();
`;

const ROUTE = `
import { type DecantSettings, run } from 'decant';
import { loadStudent } from 'decant/student';
import type { Label } from './student/labels.js';

const settings: DecantSettings = {
  corpus: { train: 'a.csv', validation: 'b.csv', test: 'c.csv' },
  teacher: { model: 'teacher' },
  variants: { distilled: { architecture: 'bag' } },
};
const outcome = await run(settings, { stages: ['prepare'] });
const student = await loadStudent<Label>(outcome.student ?? 'student');
const [answer] = await student.classify(['where is my card?']);
const label: Label | undefined = answer?.label;
// @ts-expect-error: no class of the mini sample
const wrong: Label = 'no_such_class';
export const answers = [label, wrong];
`;
