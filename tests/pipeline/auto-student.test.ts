import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { studentInstance } from '#pipeline/config/auto-student.ts';
import { checkedConfig } from '#pipeline/config/config.ts';
import { exportedVariant, variantOrder } from '#pipeline/config/variants.ts';
import { miniConfig } from '#tests/support/mini-project.ts';

function load(settings: Readonly<Record<string, unknown>>) {
  return checkedConfig('decant.yaml', stringify({ ...miniConfig, ...settings }));
}

test('auto becomes a variant for each architecture, of which one is chosen and exported', () => {
  const loaded = load({ student: { architecture: 'auto' }, variants: { distilled: {} } });
  const order = variantOrder(loaded);
  assert.deepEqual(order, [
    'distilled-bag',
    'distilled-textcnn',
    'distilled-modernbert',
    'distilled',
  ]);
  assert.equal(loaded.config.variants['distilled-textcnn']?.architecture, 'textcnn');
  assert.equal(exportedVariant(loaded.config, order), 'distilled');
  assert.equal(studentInstance(loaded.config, 'distilled'), 'choose-student:distilled');
  assert.equal(studentInstance(loaded.config, 'distilled-bag'), 'train-student:distilled-bag');
});

test('a variant may be auto alone, and what starts from it starts from its own architecture', () => {
  const { config } = load({
    variants: {
      plain: {},
      distilled: { architecture: 'auto' },
      further: { architecture: 'auto', initFrom: 'distilled', labels: 'hard-relabel' },
    },
  });
  assert.deepEqual(Object.keys(config.variants).slice(0, 2), ['plain', 'distilled-bag']);
  assert.equal(config.variants['further-textcnn']?.initFrom, 'distilled-textcnn');
  assert.equal(studentInstance(config, 'plain'), 'train-student:plain');
});

test('candidates are those that can read the rows and answer the task', () => {
  const namesOf = (settings: Readonly<Record<string, unknown>>) =>
    Object.keys(
      load({ variants: { a: { architecture: 'auto' } }, 'hard-relabel': undefined, ...settings })
        .config.variants,
    );
  const tensors = { x: { columns: ['p1', 'p2'] } };
  const { corpus } = miniConfig;
  assert.deepEqual(namesOf({ corpus: { ...corpus, columns: { text: null, tensors } } }), [
    'a-mlp',
    'a-cnn',
    'a',
  ]);
  assert.deepEqual(namesOf({ corpus: { ...corpus, columns: { tensors } } }), [
    'a-bag',
    'a-textcnn',
    'a',
  ]);
  assert.deepEqual(namesOf({ task: 'token-classification' }), ['a-bert', 'a-modernbert', 'a']);
});

test('a variant that has the name of a candidate is refused', () => {
  assert.throws(
    () => load({ student: { architecture: 'auto' }, variants: { a: {}, 'a-bag': {} } }),
    /variants\.a-bag: architecture: auto makes a variant of this name/,
  );
});
