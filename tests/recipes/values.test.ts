import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openSoftLabels } from '#datasets/soft-labels.ts';
import { type Cooked, cook, figure } from '#tests/support/recipe.ts';
import { snips, type Utterance } from '#tests/support/slot-sets.ts';

const train = snips('train', 100);
const skip = train === undefined && 'the SNIPS data beside the checkout is not there';
const held = snips('validate', 50) ?? [];
const slots = [...new Set((train ?? []).flatMap((one) => one.slots))].sort();
const known = (one: Utterance) => one.slots.filter((slot) => slots.includes(slot));
const teacher = {
  architecture: 'bag',
  hiddenSize: 64,
  steps: 300,
  learningRate: 0.01,
  evaluateEvery: 150,
};
const student = {
  architecture: 'bag',
  hiddenSize: 48,
  steps: 300,
  learningRate: 0.02,
  temperature: 1,
  evaluateEvery: 125,
};

async function cookSnips(
  task: 'multi-label' | 'regression',
  label: (one: Utterance) => unknown,
): Promise<Cooked> {
  const rows = (all: readonly Utterance[]) =>
    all.map((one) => ({ text: one.text, label: label(one) }));
  // Half of the train rows keep their label: the others are for the teacher alone.
  const labelled = rows(train ?? []).map((row, index) =>
    index % 4 === 3 ? { text: row.text } : row,
  );
  return cook({
    task,
    isText: true,
    splits: {
      train: labelled,
      validation: rows(held.filter((_, index) => index % 3 === 0)),
      test: rows(held.filter((_, index) => index % 3 !== 0)),
    },
    corpus: task === 'multi-label' ? { classNames: slots } : { classNames: ['slot_share'] },
    teacher,
    student,
  });
}

test('regression: a student learns the share of slot words from its teacher', {
  skip,
}, async () => {
  const cooked = await cookSnips('regression', ({ slotShare }) => slotShare);
  const { teacher: best, student: small } = cooked.figures;
  assert.ok(figure(best, 'pearson') > 0.4);
  assert.ok(figure(small, 'pearson') > 0.9 * figure(best, 'pearson'));
});
