import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTokenizerJson } from '#datasets/tokens/tokenizer-json.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { unflatten } from '#stages/students/parameters.ts';
import { writeSafetensors } from '#stages/students/safetensors.ts';
import type { StudentShape } from '#stages/students/student.ts';
import type { InitialiseSource } from '#stages/train-student/settings/initialisation.ts';
import { startWeights } from '#stages/train-student/start/initial-weights.ts';
import { smallCheckpoint } from '#tests/support/small-checkpoints.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { batchOf } from '../students/golden.ts';

/** Where the models of a test file lie. */
export const folder = temporaryFolder('decant-initialisation');

/** Of `smallCheckpoint`. */
export const SMALL: StudentShape = {
  ...bert({ layers: 3, hiddenSize: 16, heads: 4, intermediateSize: 24 }),
  vocabularySize: 60,
  maxLength: 32,
  classCount: 3,
  padTokenId: 0,
  clsTokenId: 2,
  sepTokenId: 3,
};

/** Rows that it reads. */
export const TEXTS = [
  [2, 17, 41, 8, 3],
  [2, 59, 3],
  [2, 5, 6, 7, 8, 9, 10, 11, 3],
];

/** A BERT of that size. */
export function bert(
  size: Pick<StudentShape, 'layers' | 'hiddenSize' | 'heads' | 'intermediateSize'>,
) {
  return { architecture: 'bert', dropout: 0, ...size } as const;
}

interface ModelFiles {
  readonly config: string;
  readonly weights: string;
  readonly pieces: number;
}

/** A small checkpoint as a folder. */
export async function written(type: 'bert' | 'roberta', change: object = {}) {
  const { config, tensors } = smallCheckpoint(type, 'text');
  const made = join(folder, `${type} ${Object.keys(change).join()}`);
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, 'config.json'), JSON.stringify({ ...config, ...change }));
  await writeSafetensors(join(made, 'model.safetensors'), tensors);
  const [file, weights] = ['config.json', 'model.safetensors'].map((name) => join(made, name));
  return { config: file ?? '', weights: weights ?? '', pieces: 60, tensors };
}

/** What a student is before its first step, with the pieces of the model. */
export function startOf(
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
export function wordPieces(name: string, count: number, type: string): string {
  const made = join(folder, name);
  mkdirSync(made, { recursive: true });
  const vocab = Object.fromEntries(Array.from({ length: count }, (_, id) => [`p${id}`, id]));
  const path = join(made, 'tokenizer.json');
  const text = JSON.stringify({ added_tokens: [], model: { type, vocab } });
  parseTokenizerJson(text, path);
  writeFileSync(path, text);
  return path;
}

/** What a student with these weights says of the rows, one after the other. */
export function logitsOf(
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

/** Fails where the farthest of the numbers is off by more. */
export function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
) {
  assert.equal(actual.length, expected.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
  assert.ok(worst <= tolerance, `${worst} > ${tolerance}`);
}
