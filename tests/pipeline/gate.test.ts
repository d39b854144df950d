import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { checkedConfig } from '#pipeline/config.ts';
import { checkGate } from '#pipeline/gate.ts';
import { miniConfig } from '#tests/support/mini-project.ts';

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
