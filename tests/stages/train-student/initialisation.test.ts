import assert from 'node:assert/strict';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise, layoutOf } from '#stages/students/parameters.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { allParameters } from '#stages/students/task-heads.ts';
import { doubtAboutStart, sayStart } from '#stages/train-student/start/initialisation.ts';
import { vocabularyRows } from '#stages/train-student/start/vocabulary-rows.ts';
import { bertReference } from '../students/encoder-reference.ts';
import {
  assertClose,
  logitsOf,
  SMALL,
  startOf,
  TEXTS,
  wordPieces,
  written,
} from './borrowed-start.ts';

test('layers by a map are those layers, with all that is around them', async () => {
  const checkpoint = await written('bert', { hidden_act: 'gelu_new' });
  const shape = { ...SMALL, layers: 2 };
  const settings = { from: 'a folder', layers: [0, 2] };
  const start = await startOf(shape, ['a', 'b', 'c'], settings, checkpoint);
  const weights = new Map(
    checkpoint.tensors.map((one) => [one.name.replace('layer.2.', 'layer.1.'), one]),
  );
  const expected = TEXTS.flatMap((ids) =>
    bertReference(weights, { ids, typeIds: [] }, { layers: 2, heads: 4 }),
  );
  // The reference has the tanh form of GELU, which the student is told not to have.
  assertClose(logitsOf(shape, start.weights, TEXTS), expected, 0.05);
  assert.deepEqual(start.initialisation?.layers, [0, 2]);
  assert.match(
    doubtAboutStart(start.initialisation ?? assert.fail()) ?? '',
    /otherwise than this student: activation gelu_new \(here gelu\); training/,
  );
});

test('a further head starts at random behind the layers of the model', async () => {
  const checkpoint = await written('bert');
  const alone = await startOf(SMALL, ['a', 'b', 'c'], { from: 'a folder' }, checkpoint);
  const taskHeads = [{ name: 'other', classCount: 2 }];
  const shape = { ...SMALL, taskHeads };
  const { weights } = await startOf(shape, ['a', 'b', 'c'], { from: 'a folder' }, checkpoint);
  const all = allParameters({ architecture: architectureOf('bert'), shape });
  assert.deepEqual(weights.subarray(0, alone.weights.length), alone.weights);
  const behind = all.slice(architectureOf('bert').parameters(SMALL).length);
  assert.deepEqual(weights.subarray(alone.weights.length), initialise(behind, 1));
});

test('classes follow their names, and other classes start at random', async () => {
  const checkpoint = await written('bert');
  const start = (classNames: string[]) =>
    startOf(
      { ...SMALL, classCount: classNames.length },
      classNames,
      { from: 'a folder' },
      checkpoint,
    );
  const [plain, turned, other] = [
    await start(['a', 'b', 'c']),
    await start(['c', 'a', 'b']),
    await start(['a', 'b', 'd']),
  ];
  const inOrder = logitsOf(SMALL, plain.weights, TEXTS);
  const expected = inOrder.map((_, place) => {
    const row = Math.floor(place / 3) * 3;
    return inOrder[row + ([2, 0, 1][place % 3] ?? 0)] ?? Number.NaN;
  });
  assertClose(logitsOf(SMALL, turned.weights, TEXTS), expected, 0);
  assert.deepEqual(other.initialisation?.random, ['classifier.weight', 'classifier.bias']);
  const random = initialise(architectureOf('bert').parameters(SMALL), 1);
  assert.deepEqual(other.weights.slice(-51), random.slice(-51));
  assert.deepEqual(other.weights.slice(0, -51), plain.weights.slice(0, -51));
  assert.match(
    sayStart(other.initialisation ?? assert.fail()),
    /^starts from layers 0, 1, 2 of the checkpoint; at random: classifier\.weight, classifier\.bias$/,
  );
});

test('embeddings alone are taken by any student that reads texts, narrowed or as they are', async () => {
  const checkpoint = await written('bert');
  const own = checkpoint.tensors.find(({ name }) => name.includes('word_embeddings'));
  for (const architecture of ['bag', 'modernbert', 'bert'] as const) {
    const shape = { ...SMALL, architecture };
    const settings = { from: 'a folder', take: 'embeddings' } as const;
    const same = await startOf(shape, ['x', 'y', 'z'], settings, checkpoint);
    assert.deepEqual(tableOf(shape, same.weights), own?.values);
    const narrow = await startOf(
      { ...shape, hiddenSize: 8 },
      ['x', 'y', 'z'],
      settings,
      checkpoint,
    );
    assert.deepEqual(narrow.initialisation?.widths, [16, 8]);
    const random = initialise(
      architectureOf(architecture).parameters({ ...shape, hiddenSize: 8 }),
      1,
    );
    assert.deepEqual(narrow.weights.slice(60 * 8), random.slice(60 * 8));
    assert.notDeepEqual(narrow.weights.slice(0, 60 * 8), random.slice(0, 60 * 8));
  }
});

test('what does not fit is refused with both sides and the settings that would', async () => {
  const checkpoint = await written('bert');
  const start = (shape: Partial<StudentShape>, settings: object = {}) =>
    startOf({ ...SMALL, ...shape }, ['a', 'b', 'c'], { from: 'a folder', ...settings }, checkpoint);
  const cases: readonly [Partial<StudentShape>, object, RegExp][] = [
    [{ heads: 2 }, {}, /4 attention heads, the student has 2/],
    [{ layers: 2 }, {}, /3 layers, the student has 2/],
    [
      { layers: 2 },
      { layers: [0] },
      /1 layers named by initialise\.layers, of 3, the student has 2/,
    ],
    [{ layers: 2 }, { layers: [0, 3] }, /no layer 3: they are 0 to 2[^]*layer\.1\.[^]*missing/],
    [
      { hiddenSize: 32 },
      {},
      /word_embeddings\.weight is \[60, 16\], this student needs \[60, 32\]/,
    ],
    [
      { maxLength: 48 },
      {},
      /position_embeddings\.weight is \[40, 16\], this student needs \[48, 16\]/,
    ],
    [{ architecture: 'modernbert' }, {}, /it is a bert, the student a modernbert/],
  ];
  for (const [shape, settings, message] of cases) {
    await assert.rejects(start(shape, settings), {
      code: 'E_INITIALISE_SHAPE',
      message,
      fix: /student: \{ architecture: bert, layers: 3, hiddenSize: 16, heads: 4, intermediateSize: 24 \}/,
    });
  }
  await assert.rejects(start({ hiddenSize: 32 }, { take: 'embeddings' }), {
    code: 'E_INITIALISE_SHAPE',
    message: /table of word pieces is \[60, 16\], this student needs \[60, 32\]/,
  });
});

test('a model that reads with other pieces is refused with what it lacks', async () => {
  const ours = wordPieces('ours', 60, 'WordPiece');
  await assert.rejects(vocabularyRows(ours, wordPieces('fewer', 50, 'WordPiece')), {
    code: 'E_INITIALISE_VOCABULARY',
    message: /fewer.tokenizer\.json: it lacks 10 of the student's 60 pieces, the first is "p50"/,
  });
  await assert.rejects(vocabularyRows(ours, wordPieces('bpe', 60, 'BPE')), {
    code: 'E_INITIALISE_VOCABULARY',
    message: /it is a BPE tokenizer, the student's is WordPiece/,
  });
});

function tableOf(shape: StudentShape, weights: Float32Array): Float32Array | undefined {
  const { places } = layoutOf(architectureOf(shape.architecture).parameters(shape));
  const table = places.find(({ shape: [rows] }) => rows === shape.vocabularySize);
  return table && weights.slice(table.offset, table.offset + table.length);
}
