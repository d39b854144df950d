import assert from 'node:assert/strict';
import test from 'node:test';
import { type Cooked, cook, figure } from '#tests/support/recipe.ts';
import { snips, type Utterance } from '#tests/support/slot-sets.ts';

const train = snips('train', 100);
const skip = train === undefined && 'the SNIPS data beside the checkout is not there';
const held = snips('validate', 50) ?? [];
const teacher = {
  architecture: 'bag',
  hiddenSize: 64,
  steps: 300,
  learningRate: 0.01,
  evaluateEvery: 150,
};
/** The default architecture, as narrow as it learns this. */
const student = {
  architecture: 'modernbert',
  layers: 1,
  hiddenSize: 32,
  steps: 300,
  learningRate: 0.004,
  temperature: 1,
  evaluateEvery: 125,
};

async function cookSnips(): Promise<Cooked> {
  const rows = (all: readonly Utterance[]) =>
    all.map((one) => ({ text: one.text, label: one.slotShare }));
  // A quarter of the train rows has no label: it learns from the teacher alone.
  const labelled = rows(train ?? []).map((row, index) =>
    index % 4 === 3 ? { text: row.text } : row,
  );
  return cook({
    task: 'regression',
    isText: true,
    splits: {
      train: labelled,
      validation: rows(held.filter((_, index) => index % 3 === 0)),
      test: rows(held.filter((_, index) => index % 3 !== 0)),
    },
    corpus: { classNames: ['slot_share'] },
    teacher,
    student,
  });
}

test('regression: a student learns the share of slot words from its teacher', {
  skip,
}, async () => {
  const cooked = await cookSnips();
  const { teacher: best, student: small } = cooked.figures;
  assert.ok(figure(best, 'pearson') > 0.4);
  assert.ok(figure(small, 'pearson') > 0.9 * figure(best, 'pearson'));
});
