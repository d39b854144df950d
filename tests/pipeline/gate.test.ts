import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import type { Artifact } from '#cache/artifact-store.ts';
import { writeMetrics } from '#datasets/metrics.ts';
import { checkedConfig } from '#pipeline/config.ts';
import { checkGate, requireGate } from '#pipeline/gate.ts';
import { reportFixture } from '#tests/stages/report/report-fixture.ts';
import { failureOf } from '#tests/support/failure.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const check = (gate: object, more: object = {}) =>
  checkGate(checkedConfig('decant.yaml', stringify({ ...miniConfig, gate, ...more })));
const evaluate = { slices: ['channel'], robustness: { typos: { swapLetters: 0.2 } } };

test('gates name figures of classes, slices and changed texts, flat or nested', () => {
  check(
    {
      accuracy: 0.9,
      'recall.fraud': 0.9,
      averagePrecision: { fraud: 0.5 },
      'slice.long.accuracy': 0.8,
      slice: { channel: { 'web.shop': { accuracy: 0.8 } } },
      'robustness.typos.macroF1': 0.7,
      'linearCka.pooled': 0.3,
    },
    { evaluate, 'soft-label': { hidden: ['pooled'] } },
  );
});

test('a gate that nothing measures is refused with the nearest that is', () => {
  for (const [name, said] of [
    ['acuracy', 'did you mean accuracy?'],
    ['slice.chanel.web.accuracy', 'did you mean slice.channel.VALUE.accuracy?'],
    ['slice.channel.accuracy', 'did you mean slice.'],
    ['robustness.typo.accuracy', 'did you mean robustness.typos.accuracy?'],
    ['slice.longest.accuracy', 'did you mean slice.long.accuracy?'],
    ['linearCka.pooled', 'known: accuracy, '],
  ] as const) {
    assert.throws(
      () => check({ [name]: 0.5 }, { evaluate }),
      (error: Error) => error.message.includes(`gate.${name}: no figure; ${said}`),
      name,
    );
  }
  assert.throws(() => check({ 'robustness.typos.accuracy': 0.5 }), /no figure/);
});

test('a class that corpus.classNames does not name is refused before anything runs', () => {
  const corpus = { ...miniConfig.corpus, classNames: ['fraud', 'other'] };
  check({ 'recall.fraud': 0.9 }, { corpus });
  assert.throws(() => check({ 'recall.fruad': 0.9 }, { corpus }), /did you mean recall\.fraud\?/);
});

test('the gate looks at the file that the export recommends', async () => {
  const settings = { ...miniConfig, gate: { accuracy: 0.9 }, export: { quantize: ['int8'] } };
  const loaded = checkedConfig('decant.yaml', stringify(settings));
  const { metrics } = reportFixture().headline;
  const folder = temporaryFolder();
  const artifact = (name: string, output: string) => {
    mkdirSync(join(folder, name, output), { recursive: true });
    return { folder: join(folder, name) } as Artifact;
  };
  const recommend = (file: string) => {
    const decant = { recommended_file: { file, because: 'it is small' } };
    writeFileSync(join(folder, 'exported/student/config.json'), JSON.stringify({ decant }));
  };
  const artifacts = new Map([['export-student:distilled', artifact('exported', 'student')]]);
  for (const [name, accuracy] of [
    ['distilled', 0.95],
    ['distilled.int8', 0.85],
  ] as const) {
    artifacts.set(`evaluate:${name}`, artifact(name, 'metrics'));
    await writeMetrics(join(folder, name, 'metrics'), { ...metrics, name, accuracy });
  }
  recommend('onnx/model.onnx');
  await requireGate(loaded, artifacts);
  recommend('onnx/model_quantized.onnx');
  const failure = await failureOf(requireGate(loaded, artifacts));
  assert.equal(failure.code, 'E_GATE');
  assert.match(failure.message, /^distilled\.int8 does not pass the gate: accuracy is 0\.8500/);
});
