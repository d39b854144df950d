import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseTokenizerJson } from '#datasets/tokenizer-json.ts';
import { writeStudentTokenizer } from '#stages/prepare/student-tokenizer.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { fromNamed, initialise, layoutOf, unflatten } from '#stages/students/parameters.ts';
import { writeSafetensors } from '#stages/students/safetensors.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { startWeights } from '#stages/train-student/initial-weights.ts';
import { doubtAboutStart, sayStart } from '#stages/train-student/initialisation.ts';
import type { InitialiseSource } from '#stages/train-student/settings/initialisation.ts';
import { readVocabulary } from '#stages/train-student/student-shape.ts';
import { vocabularyRows } from '#stages/train-student/vocabulary-rows.ts';
import { goldenFolder, sampleFolder } from '#tests/support/paths.ts';
import { smallCheckpoint } from '#tests/support/small-checkpoints.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { bertReference, robertaReference } from '../students/encoder-reference.ts';
import {
  batchOf,
  readGolden,
  readTokenGolden,
  TOKEN_GOLDENS,
  unpaddedRows,
} from '../students/golden.ts';

const folder = temporaryFolder('decant-initialisation');

interface ReferenceRow {
  readonly input_ids: readonly number[];
  readonly top: readonly (readonly [number, number])[];
}

test('a student with all layers of the teacher says what the teacher says, within 0.15', async () => {
  const teacher = join(sampleFolder('banking77'), 'teacher');
  const rows: ReferenceRow[] = JSON.parse(
    readFileSync(join(sampleFolder('banking77'), 'reference.json'), 'utf8'),
  );
  const tokenizer = join(folder, 'banking77');
  const files = {
    tokenizer: join(teacher, 'tokenizer.json'),
    config: join(teacher, 'tokenizer_config.json'),
    specialTokens: join(teacher, 'special_tokens_map.json'),
  };
  const usedIds = new Set(rows.flatMap(({ input_ids }) => input_ids));
  const sizes = await writeStudentTokenizer(tokenizer, files, {
    maxLength: 128,
    longTexts: undefined,
    usedIds,
  });
  assert.ok(sizes.student < sizes.teacher / 10);
  const config = JSON.parse(readFileSync(join(teacher, 'config.json'), 'utf8'));
  const shape = {
    ...bert({ layers: 6, hiddenSize: 384, heads: 12, intermediateSize: 1536 }),
    ...(await readVocabulary(tokenizer)),
    classCount: 77,
    maxLength: 128,
  };
  const classNames: string[] = Object.values(config.id2label);
  const model = {
    config: join(teacher, 'config.json'),
    weights: [join(teacher, 'onnx', 'model.onnx')],
    tokenizer: files.tokenizer,
  };
  const { weights, initialisation } = await startWeights(
    { specs: architectureOf('bert').parameters(shape), shape, classNames },
    {
      seed: 1,
      initFrom: undefined,
      initialise: { settings: { from: 'teacher' }, files: model },
      tokenizer,
    },
  );
  assert.deepEqual(initialisation?.layers, [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(initialisation?.random, []);
  const newIds = await vocabularyRows(join(tokenizer, 'tokenizer.json'), files.tokenizer);
  const ownIds = rows.map(({ input_ids }) => input_ids.map((id) => newIds.indexOf(id)));
  const logits = logitsOf(shape, weights, ownIds);
  let worst = 0;
  for (const [row, { top }] of rows.entries()) {
    const own = logits.slice(row * 77, (row + 1) * 77);
    for (const [classId, expected] of top) {
      worst = Math.max(worst, Math.abs((own[classId] ?? Number.NaN) - expected));
    }
    assert.equal(own.indexOf(Math.max(...own)), top[0]?.[0], `row ${row}`);
  }
  assert.ok(worst <= 0.15, `the farthest logit is off by ${worst}`);
});

for (const architecture of ['bert', 'modernbert'] as const) {
  test(`a student of a ${architecture} that transformers saved gives its logits within 1e-5`, async () => {
    const golden = await readGolden(architecture);
    const config = join(goldenFolder, 'hf-golden', architecture, 'config.json');
    const classNames = Object.values(golden.config['id2label'] ?? {}).map(String);
    const start = await startOf(
      golden.shape,
      classNames,
      { from: 'teacher' },
      {
        config,
        weights: golden.modelPath,
        pieces: 100,
      },
    );
    const logits = logitsOf(golden.shape, start.weights, unpaddedRows(golden.case));
    assertClose(logits, golden.case.logits.flat(), 1e-5);
    assert.deepEqual(start.initialisation?.random, []);
  });
}

for (const name of TOKEN_GOLDENS) {
  test(`every weight of a ${name} that transformers saved becomes the student's`, async () => {
    const { shape, weights } = await readTokenGolden(name);
    const classNames = Array.from({ length: shape.classCount }, (_, id) => `class ${id}`);
    const made = join(goldenFolder, 'hf-golden', name);
    const [config, model] = ['config.json', 'model.safetensors'].map((file) => join(made, file));
    const files = { config: config ?? '', weights: model ?? '', pieces: shape.vocabularySize };
    const start = await startOf(shape, classNames, { from: 'teacher' }, files);
    const specs = architectureOf(shape.architecture).parameters(shape);
    assert.deepEqual(start.weights, fromNamed(weights, specs));
    assert.deepEqual(start.initialisation?.random, []);
    assert.equal(start.initialisation?.differences, undefined);
  });
}

test('a RoBERTa is a BERT whose positions begin elsewhere', async () => {
  const checkpoint = await written('roberta');
  const start = await startOf(SMALL, ['a', 'b', 'c'], { from: 'a folder' }, checkpoint);
  const weights = new Map(checkpoint.tensors.map((one) => [one.name, one]));
  const expected = TEXTS.flatMap((ids) =>
    robertaReference(weights, { ids, typeIds: [] }, { layers: 3, heads: 4, padding: 1 }),
  );
  // Its norms add 1e-5 to the variance, ours 1e-12.
  assertClose(logitsOf(SMALL, start.weights, TEXTS), expected, 1e-3);
});

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

/** Of `smallCheckpoint`. */
const SMALL: StudentShape = {
  ...bert({ layers: 3, hiddenSize: 16, heads: 4, intermediateSize: 24 }),
  vocabularySize: 60,
  maxLength: 32,
  classCount: 3,
  padTokenId: 0,
  clsTokenId: 2,
  sepTokenId: 3,
};

const TEXTS = [
  [2, 17, 41, 8, 3],
  [2, 59, 3],
  [2, 5, 6, 7, 8, 9, 10, 11, 3],
];

function bert(size: Pick<StudentShape, 'layers' | 'hiddenSize' | 'heads' | 'intermediateSize'>) {
  return { architecture: 'bert', dropout: 0, ...size } as const;
}

interface ModelFiles {
  readonly config: string;
  readonly weights: string;
  readonly pieces: number;
}

/** A small checkpoint as a folder. */
async function written(type: 'bert' | 'roberta', change: object = {}) {
  const { config, tensors } = smallCheckpoint(type, 'text');
  const made = join(folder, `${type} ${Object.keys(change).join()}`);
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'config.json'), JSON.stringify({ ...config, ...change }));
  await writeSafetensors(join(made, 'model.safetensors'), tensors);
  const [file, weights] = ['config.json', 'model.safetensors'].map((name) => join(made, name));
  return { config: file ?? '', weights: weights ?? '', pieces: 60, tensors };
}

/** What a student is before its first step, with the pieces of the model. */
function startOf(
  shape: StudentShape,
  classNames: readonly string[],
  settings: InitialiseSource,
  { config, weights, pieces }: ModelFiles,
) {
  const tokenizer = wordPieces(`all ${pieces}`, pieces, 'WordPiece');
  return startWeights(
    { specs: architectureOf(shape.architecture).parameters(shape), shape, classNames },
    {
      seed: 1,
      initFrom: undefined,
      initialise: { settings, files: { config, weights: [weights], tokenizer } },
      tokenizer: join(tokenizer, '..'),
    },
  );
}

/** A tokenizer.json with the pieces p0, p1, ... */
function wordPieces(name: string, count: number, type: string): string {
  const made = join(folder, name);
  mkdirSync(made, { recursive: true });
  const vocab = Object.fromEntries(Array.from({ length: count }, (_, id) => [`p${id}`, id]));
  const path = join(made, 'tokenizer.json');
  const text = JSON.stringify({ added_tokens: [], model: { type, vocab } });
  parseTokenizerJson(text, path);
  writeFileSync(path, text);
  return path;
}

function tableOf(shape: StudentShape, weights: Float32Array): Float32Array | undefined {
  const { places } = layoutOf(architectureOf(shape.architecture).parameters(shape));
  const table = places.find(({ shape: [rows] }) => rows === shape.vocabularySize);
  return table && weights.slice(table.offset, table.offset + table.length);
}

function logitsOf(
  shape: StudentShape,
  flat: Float32Array,
  rows: readonly (readonly number[])[],
): number[] {
  const architecture = architectureOf(shape.architecture);
  const longest = Math.max(...rows.map(({ length }) => length));
  return tf.tidy(() => {
    const named = unflatten(tf, tf.tensor1d(flat), architecture.parameters(shape));
    return Array.from(
      architecture.forward(tf, named, batchOf(tf, rows, longest), shape).dataSync(),
    );
  });
}

function assertClose(actual: readonly number[], expected: readonly number[], tolerance: number) {
  assert.equal(actual.length, expected.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
  assert.ok(worst <= tolerance, `${worst} > ${tolerance}`);
}
