import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '#tests/support/paths.ts';

/** Control -> work -> rows -> bytes, and what reads our files. A layer may import itself and all to its right. */
const layers = ['pipeline', 'stages', 'datasets', 'cache'] as const;

/** Folders of stages/ that every stage may use. */
const sharedTools = ['numerics', 'onnx', 'tensorflow', 'students', 'tensorboard', 'texts'];

/** Heavy or opinionated packages, each behind the files named here. */
const owners: Readonly<Record<string, readonly string[]>> = {
  listr2: ['pipeline/observers/terminal.ts'],
  commander: ['pipeline/cli.ts', 'pipeline/cli/options.ts'],
  yaml: ['pipeline/config/config-sources.ts', 'pipeline/config/config.ts'],
  'onnxruntime-node': ['stages/onnx/session.ts'],
  '@tensorflow/tfjs-node-gpu': ['stages/tensorflow/runtime.ts'],
  'parquetjs-lite': ['datasets/parquet/envelope.ts'],
  'apache-arrow': ['datasets/parquet/arrow.ts', 'datasets/arrow-stream.ts'],
  hyparquet: ['datasets/parquet/footer.ts'],
  '@duckdb/node-api': ['datasets/sql.ts'],
  '@huggingface/hub': ['pipeline/hub/client.ts'],
  tokenizers: ['datasets/tokens/tokenizer.ts'],
  'csv-parse': ['datasets/corpus/csv.ts'],
  'fs-native-extensions': ['cache/lock.ts'],
  esbuild: ['cache/loader/hooks.mjs'],
};

const sources = layers.flatMap((layer) =>
  readdirSync(join(repository, layer), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|mjs)$/.test(path) && !path.startsWith('samples'))
    .map((path) => `${layer}/${path}`),
);

interface Import {
  readonly target: string;
  readonly isTypeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(repository, file), 'utf8');
  const found = text.matchAll(/(import\s+type\s[^'"]*?|from\s*|import\s*\(?\s*)'([^'\n]+)'/g);
  return [...found].map(([, lead = '', target = '']) => ({
    target,
    isTypeOnly: /^import\s+type/.test(lead),
  }));
}

const layerOf = (path: string) => layers.findIndex((layer) => path.startsWith(`${layer}/`));
const packageOf = (target: string) =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');

test('imports only ever point down: pipeline -> stages -> datasets -> cache', () => {
  for (const file of sources) {
    for (const { target } of importsOf(file).filter((one) => one.target.startsWith('#'))) {
      assert.ok(layerOf(target.slice(1)) >= layerOf(file), `${file} must not import ${target}`);
    }
  }
});

test('folders talk through #layer/ paths, never through ../', () => {
  for (const file of sources) {
    for (const { target } of importsOf(file)) {
      assert.ok(!target.startsWith('../'), `${file}: write #layer/... instead of ${target}`);
    }
  }
});

test('no stage imports another stage', () => {
  const stageOf = (path: string) => /^stages\/([^/]+)\//.exec(path)?.[1];
  for (const file of sources) {
    for (const { target } of importsOf(file)) {
      const [from, to] = [stageOf(file), stageOf(target.slice(1))];
      const isFine = !from || !to || from === to || sharedTools.includes(to);
      assert.ok(isFine, `${file} must not import ${target}`);
    }
  }
});

test('the shared tools of stages/ import no stage, and numerics imports nothing', () => {
  for (const file of sources.filter((path) => path.startsWith('stages/numerics/'))) {
    for (const { target } of importsOf(file)) {
      assert.ok(target.startsWith('./'), `${file} must not import ${target}`);
    }
  }
});

test('each heavy package has one owner', () => {
  for (const file of sources) {
    for (const { target, isTypeOnly } of importsOf(file)) {
      const allowed = owners[packageOf(target)];
      if (allowed === undefined || isTypeOnly) continue;
      assert.ok(allowed.includes(file), `${target} belongs to ${allowed.join(', ')}, not ${file}`);
    }
  }
});

test('only the command line prints', () => {
  const printers = /^pipeline\/(cli\.ts|setup\/|decant\.mjs)/;
  for (const file of sources.filter((path) => !printers.test(path))) {
    const text = readFileSync(join(repository, file), 'utf8');
    assert.ok(!/\bconsole\./.test(text), `${file} must not print`);
  }
});
