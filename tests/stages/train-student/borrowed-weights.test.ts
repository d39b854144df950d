import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeStudentTokenizer } from '#stages/prepare/student-tokenizer.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { fromNamed } from '#stages/students/parameters.ts';
import { startWeights } from '#stages/train-student/start/initial-weights.ts';
import { vocabularyRows } from '#stages/train-student/start/vocabulary-rows.ts';
import { readVocabulary } from '#stages/train-student/student-shape.ts';
import { goldenFolder, sampleFolder } from '#tests/support/paths.ts';
import { robertaReference } from '../students/encoder-reference.ts';
import { readGolden, readTokenGolden, TOKEN_GOLDENS, unpaddedRows } from '../students/golden.ts';
import {
  assertClose,
  bert,
  folder,
  logitsOf,
  SMALL,
  startOf,
  TEXTS,
  written,
} from './borrowed-start.ts';

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
