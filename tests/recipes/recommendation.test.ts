import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { sharedFolder } from '#tests/support/paths.ts';
import { cook, figure } from '#tests/support/recipe.ts';

const shared = sharedFolder();
const skip = shared === undefined && 'the opinions beside the checkout are not there';

/**
 * Pairs of an opinion and what is known of it besides its words. The texts are real product opinions, and
 * their score is whether they stood under pros (1) or cons (0); the table columns are counted in the texts,
 * since no public set of pairs with tables of its own lies beside the checkout.
 */
test('recommendation: text and table columns enter one model that gives one score', {
  skip,
}, async () => {
  const opinions = [...readOpinions('Pros', 1), ...readOpinions('Cons', 0)];
  const rows = opinions.map(({ text, score }) => ({
    text,
    score,
    words: text.split(/\s+/).length,
    commas: text.split(',').length - 1,
    marks: text.split(/[!?]/).length - 1,
    capitals: (text.match(/[A-Z]/g) ?? []).length / text.length,
  }));
  const part = (rest: readonly number[]) => rows.filter((_, index) => rest.includes(index % 8));
  const cooked = await cook({
    task: 'regression',
    isText: true,
    splits: { train: part([0, 1, 2, 3, 4]), validation: part([5]), test: part([6, 7]) },
    corpus: {
      classNames: ['score'],
      columns: {
        label: 'score',
        tensors: { facts: { columns: ['words', 'commas', 'marks', 'capitals'], scale: 0.1 } },
      },
    },
    teacher: {
      architecture: 'bag',
      hiddenSize: 64,
      learningRate: 0.01,
      steps: 150,
      evaluateEvery: 75,
    },
    student: {
      architecture: 'bag',
      hiddenSize: 16,
      learningRate: 0.02,
      steps: 150,
      evaluateEvery: 75,
    },
  });
  const { teacher, student } = cooked.figures;
  assert.ok(figure(teacher, 'pearson') > 0.5, `teacher ${figure(teacher, 'pearson')}`);
  assert.ok(figure(student, 'pearson') > 0.45, `student ${figure(student, 'pearson')}`);
  const config = readFileSync(join(cooked.exported, 'config.json'), 'utf8');
  assert.deepEqual(JSON.parse(config).tensor_inputs, { facts: [4] });
});

function readOpinions(kind: 'Pros' | 'Cons', score: number): { text: string; score: number }[] {
  const path = join(shared ?? '', 'data', 'pros-cons', 'pros_cons', `Integrated${kind}.txt`);
  const found = readFileSync(path, 'latin1').matchAll(new RegExp(`<${kind}>(.+?)</${kind}>`, 'g'));
  const texts = [...found].map(([, text = '']) => text.trim()).filter((text) => text.length > 3);
  return texts.slice(0, 500).map((text) => ({ text, score }));
}
