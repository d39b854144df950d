import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { pearson } from '#stages/numerics/value-metrics.ts';
import { float32Of, openSession } from '#stages/onnx/session.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { cook, figure } from '#tests/support/recipe.ts';

const FACTS = ['cylinders', 'displacement', 'horsepower', 'weight', 'year'] as const;

test('recommendation: what a product is called and a table of facts enter one model that gives one score', async () => {
  const rows = cars();
  const part = (rest: readonly number[]) => rows.filter((_, index) => rest.includes(index % 8));
  const held = part([6, 7]);
  const settings = { architecture: 'bag', steps: 200, evaluateEvery: 200 };
  const { figures, exported } = await cook({
    task: 'regression',
    isText: true,
    splits: { train: part([0, 1, 2, 3, 4]), validation: part([5]), test: held },
    corpus: {
      classNames: ['score'],
      columns: { text: 'name', label: 'score', tensors: { facts: FACTS } },
    },
    teacher: { ...settings, hiddenSize: 48, learningRate: 0.005 },
    student: { ...settings, hiddenSize: 16, learningRate: 0.01 },
  });
  const { teacher, student } = figures;
  // By the names alone the same models reach 0.3.
  assert.ok(figure(teacher, 'pearson') > 0.85, `teacher ${figure(teacher, 'pearson')}`);
  assert.ok(figure(student, 'pearson') > 0.85, `student ${figure(student, 'pearson')}`);
  const gold = held.map(({ score }) => score);
  const scores = await scoresOf(exported, held);
  assert.ok((pearson(scores, gold) ?? 0) > 0.85, `exported ${pearson(scores, gold)}`);
  const renamed = await scoresOf(
    exported,
    held.map((row) => ({ ...row, name: 'vw rabbit' })),
  );
  const moved = scores.map((score, row) => Math.abs(score - (renamed[row] ?? Number.NaN)));
  assert.ok(
    Math.max(...moved) > 0.1,
    `another name moves a score by ${Math.max(...moved)} at most`,
  );
});

type Car = Readonly<Record<(typeof FACTS)[number] | 'score', number> & { name: string }>;

/** Real cars: name, facts and miles per gallon (the score), each number in standard deviations from its mean. */
function cars(): Car[] {
  const [header = '', ...lines] = readFileSync(join(goldenFolder, 'cars', 'cars.csv'), 'utf8')
    .trim()
    .split('\n');
  const columns = header.split(',').map((_, column) => {
    const cells = lines.map((line) => line.split(',')[column] ?? '');
    return column === 0 ? cells : standardised(cells.map(Number));
  });
  return lines.map((_, row) => {
    const [name, cylinders, displacement, horsepower, weight, year, score] = columns.map(
      (cells) => cells[row],
    );
    return { name, cylinders, displacement, horsepower, weight, year, score } as Car;
  });
}

function standardised(values: readonly number[]): number[] {
  const meanOf = (all: readonly number[]) => all.reduce((sum, one) => sum + one, 0) / all.length;
  const mean = meanOf(values);
  const spread = Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
  return values.map((value) => (value - mean) / spread);
}

/** What the exported model says, as ONNX Runtime is told to run it. */
async function scoresOf(folder: string, rows: readonly Car[]): Promise<number[]> {
  const tokenizer = await openTokenizer(join(folder, 'tokenizer.json'), 128);
  const session = await openSession(join(folder, 'onnx', 'model.onnx'), { device: 'cpu' });
  const texts = await tokenizer.encode(rows.map(({ name }) => ({ text: name, textPair: null })));
  const scores: number[] = [];
  for (const [place, row] of rows.entries()) {
    const ids = BigInt64Array.from(texts[place]?.ids ?? [], BigInt);
    const dims = [1, ids.length];
    const facts = Float32Array.from(FACTS, (fact) => row[fact]);
    const said = await session.run({
      input_ids: { type: 'int64', data: ids, dims },
      attention_mask: { type: 'int64', data: ids.map(() => 1n), dims },
      facts: { type: 'float32', data: facts, dims: [1, FACTS.length] },
    });
    scores.push(float32Of(said, 'logits')[0] ?? Number.NaN);
  }
  await session.close();
  return scores;
}
