import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsOf, trainStudentConfig } from '#stages/train-student/settings.ts';

test('defaults follow the architecture and the width', () => {
  const dependent = (given: object): unknown[] => {
    const settings = settingsOf(trainStudentConfig.parse(given));
    const { heads, intermediateSize, dropout, learningRate } = settings;
    return [heads, intermediateSize, dropout, learningRate];
  };
  assert.deepEqual(dependent({}), [2, 256, 0, 1e-3]);
  assert.deepEqual(dependent({ architecture: 'bert' }), [2, 512, 0.1, 2e-3]);
  assert.deepEqual(dependent({ architecture: 'bag' }), [2, 256, 0.3, 3e-3]);
  assert.deepEqual(dependent({ architecture: 'textcnn' }), [2, 128, 0.3, 3e-3]);
  assert.deepEqual(dependent({ architecture: 'cnn' }), [2, 128, 0, 2e-3]);
  assert.deepEqual(dependent({ hiddenSize: 64 }), [1, 128, 0, 1e-3]);
  assert.deepEqual(dependent({ hiddenSize: 225 }), [3, 450, 0, 1e-3]);
  assert.deepEqual(dependent({ heads: 4, dropout: 0.2, learningRate: 1 }), [4, 256, 0.2, 1]);
});

test('every setting is described', () => {
  for (const [name, field] of Object.entries(trainStudentConfig.shape)) {
    assert.ok((field.description ?? '').length > 10, name);
  }
});

test('unknown keys, heads that do not divide the width and two weights of 0 are refused by path', () => {
  const paths = (given: object): unknown =>
    trainStudentConfig.safeParse(given).error?.issues.map(({ path, code }) => [...path, code]);
  assert.deepEqual(paths({ learnRate: 1 }), [['unrecognized_keys']]);
  assert.deepEqual(paths({ heads: 3 }), [['heads', 'custom']]);
  assert.deepEqual(paths({ optimizer: 'sgd' }), [['learningRate', 'custom']]);
  assert.deepEqual(paths({ optimizer: 'rmsprop' }), [['learningRate', 'custom']]);
  assert.equal(paths({ optimizer: 'sgd', learningRate: 0.1 }), undefined);
  assert.deepEqual(paths({ softLossWeight: 0, hardLossWeight: 0 }), [['hardLossWeight', 'custom']]);
});
