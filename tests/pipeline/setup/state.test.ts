import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { preloadList } from '#pipeline/setup/onnxruntime.mjs';
import {
  type Choice,
  isInPlace,
  keyOf,
  type NativeState,
  writeState,
} from '#pipeline/setup/state.mjs';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const cpu: Choice = { tfDevice: 'cpu', ortDevice: 'cpu', from: 'wheels' };
const gpu: Choice = { tfDevice: 'gpu', ortDevice: 'gpu', from: 'wheels' };
const addon = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';
const tensorflowFiles = [
  'node_modules/@tensorflow/tfjs-node-gpu/package.json',
  addon,
  'node_modules/@tensorflow/tfjs-node-gpu/deps/lib/libtensorflow_cc.so.2',
];
const providers = ['shared', 'cuda'].map(
  (name) =>
    `node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_${name}.so`,
);

function put(project: string, files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(join(project, file, '..'), { recursive: true });
    writeFileSync(join(project, file), '');
  }
}

function projectWith(state: Partial<NativeState> = {}): string {
  const project = mkdtempSync(join(folder, 'project-'));
  put(project, tensorflowFiles);
  writeState(project, { key: 'k', driver: '', ...cpu, good: true, summary: '', ...state });
  return project;
}

test('a set-up is in place when its key, its files and its self-check are right', () => {
  const project = projectWith();
  assert.ok(isInPlace(project, 'k'));
  assert.ok(!isInPlace(project, 'another key'));
  rmSync(join(project, addon));
  assert.ok(!isInPlace(project, 'k'));
});

test('a set-up whose self-check failed is not in place', () => {
  assert.ok(!isInPlace(projectWith({ good: false }), 'k'));
});

test('a set-up for CUDA also needs the provider and every library to open first', () => {
  const project = projectWith();
  const ortPreload = preloadList(join(project, 'site'));
  writeState(project, { key: 'k', driver: '', ...gpu, ortPreload, good: true, summary: '' });
  assert.ok(!isInPlace(project, 'k'));
  put(project, providers);
  assert.ok(!isInPlace(project, 'k'));
  put(
    project,
    ortPreload.map((library) => library.slice(project.length + 1)),
  );
  assert.ok(isInPlace(project, 'k'));
});

test('the key changes with the choice, the cache, and with a driver that comes to GPU libraries', () => {
  const keys = [
    keyOf(cpu, { cache: '/a', driverFound: false }),
    keyOf(cpu, { cache: '/b', driverFound: false }),
    keyOf({ ...cpu, from: 'official' }, { cache: '/a', driverFound: false }),
    keyOf(gpu, { cache: '/a', driverFound: false }),
    keyOf(gpu, { cache: '/a', driverFound: true }),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(keyOf(cpu, { cache: '/a', driverFound: true }), keys[0]);
});
