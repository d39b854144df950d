import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CLASS_COUNT,
  corpusOf,
  logitsOf,
  near,
  rowsOf,
  runSoftLabel,
  writeCorpus,
  writeTeacher,
} from './small-run.ts';

for (const shape of [
  [1, 'sequence'],
  [1, 32],
  [4, 'sequence'],
  [4, 24],
  ['batch', 32],
] as const) {
  test(`a teacher exported for [${shape.join(', ')}] says what a dynamic one says`, async () => {
    const corpus = corpusOf(11);
    const run = await runSoftLabel({
      config: { keep: 'all' },
      inputs: await writeCorpus(corpus),
      files: { model: [writeTeacher({ shape })] },
    });
    const { rows } = await rowsOf(run, 'train');
    assert.equal(rows.rowCount, 11);
    corpus.train.forEach((row, position) => {
      logitsOf(row).forEach((logit, id) =>
        near(rows.logits[position * CLASS_COUNT + id], logit, 1e-4),
      );
    });
  });
}

test('int32 inputs, masks of any type, a model without one and one without declared classes work alike', async () => {
  const inputs = await writeCorpus(corpusOf(25));
  const plain = await runSoftLabel({ inputs, files: { model: [writeTeacher()] } });
  const expected = await rowsOf(plain, 'train');
  for (const change of [
    { tokenType: 'int32' as const },
    ...(['int32', 'float32', 'float16', 'bool'] as const).map((type) => ({
      types: { attention_mask: type },
    })),
    { mask: false },
    { declareClasses: false },
  ]) {
    const run = await runSoftLabel({ inputs, files: { model: [writeTeacher(change)] } });
    const { rows } = await rowsOf(run, 'train');
    assert.deepEqual(rows.topIds, expected.rows.topIds, JSON.stringify(change));
    rows.topLogits.forEach((logit, i) => near(logit, expected.rows.topLogits[i] ?? NaN, 1e-5));
  }
});

test('a teacher that ends with a softmax is told', async () => {
  const run = await runSoftLabel({
    inputs: await writeCorpus(corpusOf(5)),
    files: { model: [writeTeacher({ softmax: true })] },
  });
  assert.match(run.warnings.join('\n'), /gives probabilities/);
});
