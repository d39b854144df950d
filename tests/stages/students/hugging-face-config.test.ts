import assert from 'node:assert/strict';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { readGolden, smallShape } from './golden.ts';

const classNames = ['LABEL_0', 'LABEL_1', 'LABEL_2', 'LABEL_3', 'LABEL_4'];

for (const name of ['bert', 'modernbert'] as const) {
  test(`config.json of ${name} is the one that transformers writes`, async () => {
    const { shape, config } = await readGolden(name);
    const ours = architectureOf(name).config(shape, classNames);
    // 2.0 in theirs; transformers 5 refuses the 2 that JSON.stringify would write.
    const { initializer_cutoff_factor: _cutoff, ...written } = config;
    // The golden model has no special tokens.
    const special = ['bos_token_id', 'cls_token_id', 'eos_token_id', 'sep_token_id'];
    const without = (config: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(Object.entries(config).filter(([key]) => !special.includes(key)));
    assert.deepEqual(without(ours), without(written));
    assert.deepEqual(Object.keys(ours), Object.keys(written));
  });
}

test('class names that look like numbers keep the order of the classes', () => {
  for (const name of ['modernbert', 'bert', 'bag', 'textcnn'] as const) {
    const { id2label } = architectureOf(name).config(smallShape(name), ['5', '1', 'x']);
    assert.deepEqual(id2label, { 0: '5', 1: '1', 2: 'x' });
  }
});

test('config.json of bag names a model of our own, which no Hugging Face class claims', () => {
  const config = architectureOf('bag').config(smallShape('bag'), classNames);
  assert.equal(config['model_type'], 'decant-bag');
});
