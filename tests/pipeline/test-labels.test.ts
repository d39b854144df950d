import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { digestFile, listFiles } from '#cache/digest.ts';
import { checkedConfig, loadConfig } from '#pipeline/config/config.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { miniConfig, miniProject } from '#tests/support/mini-project.ts';
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

test('nor has any with a goal, folds, controls, seeds or chosen students', () => {
  const { variants } = miniConfig;
  const relabel = { student: 'distilled', policy: 'label-odds', folds: 2, control: true };
  const cases = {
    'operating-point': { export: { goal: { precision: 0.9 }, quantize: ['int8'] } },
    'train-student:distilled.fold2': { 'hard-relabel': relabel },
    'control-labels': { 'hard-relabel': relabel },
    'seed-spread': { student: { ...miniConfig.student, seeds: [1, 2] } },
    'choose-student': {
      variants: { ...variants, chosen: { architecture: 'auto' } },
      export: { variant: 'chosen' },
    },
  };
  for (const [expected, settings] of Object.entries(cases)) {
    const file = project.path('decant.yaml');
    const found = graphOf(checkedConfig(file, stringify({ ...miniConfig, ...settings })));
    assert.ok(
      found.some(({ name }) => name.startsWith(expected)),
      expected,
    );
    const readers = found.filter(({ inputs }) =>
      Object.values(inputs).some(({ output }) => output === 'labels/test'),
    );
    const others = readers.filter(({ stage }) => !measuring.has(stage.name));
    assert.deepEqual(
      others.map(({ name }) => name),
      [],
      expected,
    );
  }
});

test('texts of the test split that were planted in train change nothing but the list of rejects', async () => {
  // As they stand, with the right label, with a wrong one, and written a little otherwise.
  const planted = smallCorpus.test.flatMap((row) => [
    row,
    { text: row.text, label: 'declined_card_payment' },
    { text: `  ${row.text.toUpperCase()}!` },
  ]);
  const [clean, leaking] = [
    await prepareRows(smallCorpus),
    await prepareRows({ ...smallCorpus, train: [...smallCorpus.train, ...planted] }),
  ];
  const outputs = Object.keys(clean.outputs);
  assert.ok(outputs.length > 8);
  for (const output of outputs) {
    const [before, after] = await Promise.all(
      [clean, leaking].map((run) => digestsIn(run.outputs[output] ?? '')),
    );
    if (output === 'rejects') assert.notDeepEqual(after, before, 'the leaks are told');
    else assert.deepEqual(after, before, output);
  }
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
