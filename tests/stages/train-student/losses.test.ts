import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Failure } from '#cache/failure.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { classWeightsOf } from '#stages/train-student/losses/class-weights.ts';
import { studentLosses } from '#stages/train-student/losses/student-losses.ts';
import { trainStudentConfig } from '#stages/train-student/settings.ts';
import { corpusFile } from '#tests/support/corpus-file.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { classNames, syntheticInputs } from './synthetic-corpus.ts';

const small = {
  architecture: 'bag',
  hiddenSize: 16,
  steps: 40,
  batchSize: 16,
  evaluateEvery: 40,
  device: 'cpu',
} as const;

const inputs = await syntheticInputs({ mode: 'dense' });
const gold = { classNames: ['a', 'b', 'c'], gold: new Map() };

test('a student learns by each loss of the list, and by one of the user that says the same as ours', async () => {
  const module = ownLoss('');
  const variants = [
    { softLoss: 'forward-kl' },
    { softLoss: 'reverse-kl' },
    { softLoss: { name: 'jensen-shannon', teacherShare: 0.3 } },
    { softLoss: 'mse' },
    { softLoss: { module: 'softLoss' } },
  ];
  const finals: number[] = [];
  for (const variant of variants) {
    const config = { ...small, ...variant, learningRate: 0.02, steps: 75 };
    const run = await runStage(trainStudent, { config, inputs, files: { softLoss: [module] } });
    const losses = (await readFile(join(run.outputs['log'] ?? '', 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .flatMap((line) => (JSON.parse(line) as { softLoss?: number }).softLoss ?? []);
    const [first = 0, last = Infinity] = [losses[0], losses.at(-1)];
    assert.ok(last < 0.8 * first, `${JSON.stringify(variant)}: ${losses.join(', ')}`);
    finals.push(last);
  }
  const [usual = 0, reverse = 0, mixed = 0, squares = 0, own = 0] = finals;
  assert.equal(new Set([usual, reverse, mixed, squares]).size, 4);
  assert.ok(Math.abs(own - usual) < 1e-4, `${own} is not ${usual}`);
});

test('a checkpoint is taken up by the module that it was made with, and by no other one', async () => {
  const config = { ...small, softLoss: { module: 'softLoss' }, steps: 60 };
  const [first, other] = [ownLoss(''), ownLoss('// another one')];
  for (const [module, goesOn] of [
    [first, true],
    [other, false],
  ] as const) {
    const folder = temporaryFolder();
    const stop = new AbortController();
    const stopped = runStage(trainStudent, {
      config,
      inputs,
      folder,
      files: { softLoss: [first] },
      signal: stop.signal,
      onEvent: ({ type }) => type === 'progress' && stop.abort(new Error('stopped')),
    });
    await assert.rejects(stopped, /stopped/);
    const files = { softLoss: [module] };
    const resumed = await runStage(trainStudent, { config, inputs, folder, files });
    assert.equal(
      resumed.notes.some((note) => note.startsWith('goes on after step 25')),
      goesOn,
    );
  }
});

for (const [what, text, problem] of [
  ['no export', 'export const forms = ["dense"];', /export a function softLoss/],
  ['no forms', 'export const softLoss = () => 0;', /export an array forms/],
  [
    'a form that there is not',
    'export const softLoss = () => 0; export const forms = ["all"];',
    /forms/,
  ],
  ['a neighbour', 'import { a } from "./a.js"; export const softLoss = a;', /imports \.\/a\.js/],
  ['no JavaScript', 'export const softLoss = (', /cannot be loaded/],
] as const) {
  test(`a module with ${what} is refused with its path and the contract`, async () => {
    const path = corpusFile(temporaryFolder(), 'loss.mjs', text);
    await assert.rejects(lossesOf({ softLoss: { module: 'x' } }, 'dense', path), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 'E_SOFT_LOSS_MODULE');
      assert.ok(error.message.startsWith(path));
      assert.match(error.message, problem);
      return true;
    });
  });
}

test('what a form of soft labels cannot feed is refused by name, with the way out', async () => {
  const refused = [
    [{ softLoss: 'mse' }, 'sampled', /mse: the soft labels are sampled, and draws have no logits/],
    [{ softLoss: 'reverse-kl' }, 'sampled', /reverse-kl: .* no probability to divide by/],
    [{ softLoss: { module: 'x' } }, 'top-k', /the module reads dense/],
  ] as const;
  for (const [settings, form, problem] of refused) {
    await assert.rejects(lossesOf(settings, form, ownLoss('')), (error) => {
      assert.ok(error instanceof Failure);
      assert.equal(error.code, 'E_SOFT_LOSS_FORM');
      assert.match(error.message, problem);
      assert.match(error.fix, /soft-label\.keep/);
      return true;
    });
  }
  for (const form of ['dense', 'top-k', 'sampled'] as const) {
    assert.ok(await lossesOf({ softLoss: 'jensen-shannon' }, form, undefined));
  }
});

test('regression compares numbers: what belongs to classes is refused in its settings', () => {
  const problemsOf = (settings: object) =>
    trainStudentConfig
      .safeParse({ task: 'regression', ...settings })
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  assert.deepEqual(problemsOf({ softLoss: 'mse' }), []);
  assert.deepEqual(problemsOf({ softLoss: { module: './x.ts' } }), []);
  assert.match(problemsOf({ softLoss: 'reverse-kl' })[0] ?? '', /softLoss: .*set mse/);
  assert.match(
    problemsOf({ softLoss: { name: 'jensen-shannon', teacherShare: 0.5 } })[0] ?? '',
    /softLoss/,
  );
  assert.match(problemsOf({ classWeights: 'balanced' })[0] ?? '', /classWeights: .*leave it out/);
  assert.match(problemsOf({ labelSmoothing: 0.1 })[0] ?? '', /labelSmoothing: .*leave it out/);
  assert.deepEqual(problemsOf({ labelSmoothing: 0 }), []);
});

test('balanced class weights are those of scikit-learn: rows / (classes x rows of the class)', () => {
  const rows = new Map(
    [0, 0, 0, 2].map((labelId, row) => [`${row}`, [{ labelId, weight: 1 }]] as const),
  );
  const balanced = { classWeights: 'balanced', task: undefined } as const;
  // 4 / (2 x 3), a class without rows, 4 / (2 x 1)
  const found = classWeightsOf(balanced, { ...gold, gold: rows });
  assert.deepEqual(found, Float32Array.of(2 / 3, 1, 2));
  const words = new Map([['x', Int32Array.of(0, -1, 0, 0, 2)]]);
  assert.deepEqual(classWeightsOf(balanced, { ...gold, wordGold: words }), found);
});

test('of several labels, balanced is no over yes, and always or never counts 1', () => {
  const values = [
    [1, 0, 1],
    [1, 0, 0],
    [1, 0, 0],
    [1, 0, 0],
  ].map((row, at) => [`${at}`, row.map((weight, labelId) => ({ labelId, weight }))] as const);
  assert.deepEqual(
    classWeightsOf(
      { classWeights: 'balanced', task: 'multi-label' },
      { ...gold, gold: new Map(values) },
    ),
    Float32Array.of(1, 1, 3),
  );
});

test('class weights by label name a class, or are refused with the nearest one', () => {
  const settings = (classWeights: Record<string, number>) => ({ classWeights, task: undefined });
  assert.deepEqual(classWeightsOf(settings({ b: 4 }), gold), Float32Array.of(1, 4, 1));
  const names = { classNames: ['banana', 'cherry'], gold: new Map() };
  assert.throws(
    () => classWeightsOf(settings({ bananna: 2 }), names),
    (error) => {
      assert.ok(error instanceof Failure && error.code === 'E_CLASS_WEIGHT');
      assert.match(error.message, /"bananna"/);
      assert.match(error.fix, /did you mean banana/);
      return true;
    },
  );
});

test('class weights reach the training: a heavy class is answered more often', async () => {
  const sharesOf = async (classWeights: object) => {
    const config = { ...small, softLossWeight: 0, hardLossWeight: 1, steps: 10, ...classWeights };
    const run = await runStage(trainStudent, { config, inputs });
    const { predictedIds } = await readPredictions(run.outputs['predictions'] ?? '', 'validation');
    return predictedIds.filter((id) => id === 0).length / predictedIds.length;
  };
  const usual = await sharesOf({});
  const heavy = await sharesOf({ classWeights: { [classNames[0] ?? '']: 30 } });
  assert.ok(heavy > usual + 0.2, `${heavy} after ${usual}`);
});

/** The usual loss over all classes, written as a user would. */
function ownLoss(comment: string): string {
  const text = `${comment}
export const forms = ['dense'];
export function softLoss(tf, { studentLogits, targets }) {
  const { teacherLogits, temperature } = targets;
  const teacher = tf.logSoftmax(tf.div(teacherLogits, temperature));
  const student = tf.logSoftmax(tf.div(studentLogits, temperature));
  const kl = tf.sum(tf.mul(tf.exp(teacher), tf.sub(teacher, student)), 1);
  return tf.mul(kl, tf.square(temperature));
}
`;
  return corpusFile(temporaryFolder(), 'loss.mjs', text);
}

function lossesOf(
  settings: object,
  type: 'dense' | 'top-k' | 'sampled',
  module: string | undefined,
) {
  const config = trainStudentConfig.parse(settings);
  return studentLosses({ ...config, task: undefined } as never, gold, {
    soft: { type, width: 3 },
    module,
  });
}
