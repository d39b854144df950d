import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestFile, listFiles } from '#cache/digest.ts';
import { loadConfig } from '#pipeline/config.ts';
import { graphOf } from '#pipeline/wiring.ts';
import { miniProject } from '#tests/support/mini-project.ts';
import { prepareRows, smallCorpus } from '#tests/support/prepare-run.ts';

/** Stages that measure; everything else decides something. */
const measuring = new Set(['evaluate', 'report']);

const project = miniProject();
const graph = graphOf(loadConfig({ file: project.path('decant.yaml'), environment: {}, set: [] }));
const read = graph
  .filter(({ stage }) => !measuring.has(stage.name))
  .flatMap(({ name, inputs }) =>
    Object.values(inputs).map((reference) => ({ reader: name, ...reference })),
  );

test('no stage that decides anything has labels of test rows among its inputs', () => {
  assert.ok(read.some(({ reader }) => reader === 'train-student:relabelled'));
  assert.deepEqual(
    read.filter(({ output }) => output === 'labels/test'),
    [],
  );
  assert.ok(
    graph.some(({ inputs }) => Object.values(inputs).some((one) => one.output === 'labels/test')),
  );
});

test('poisoned labels of the test split change no byte of what students, teacher and export read', async () => {
  const poison = smallCorpus.test.map((row) => ({ ...row, label: 'declined_card_payment' }));
  const [clean, poisoned] = [
    await prepareRows(smallCorpus),
    await prepareRows({ ...smallCorpus, test: poison }),
  ];
  const outputs = new Set(
    read.filter(({ instance }) => instance === 'prepare').map(({ output }) => output),
  );
  assert.ok(outputs.size > 5);
  for (const output of outputs) {
    const [before, after] = [clean, poisoned].map(({ outputs }) => outputs[output] ?? '');
    assert.deepEqual(await digestsIn(after ?? ''), await digestsIn(before ?? ''), output);
  }
  const labels = [clean, poisoned].map(({ outputs }) => digestsIn(outputs['labels/test'] ?? ''));
  assert.notDeepEqual(await labels[1], await labels[0], 'the poison is there');
});

async function digestsIn(folder: string): Promise<Record<string, string>> {
  const files = await listFiles(folder);
  const digests = files.map(async (file) => [file, await digestFile(join(folder, file))] as const);
  return Object.fromEntries(await Promise.all(digests));
}
