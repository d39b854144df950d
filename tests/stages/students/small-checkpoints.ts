import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { normal, randomFor } from '#stages/numerics/random.ts';
import { openSession } from '#stages/onnx/session.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { type NamedTensor, writeSafetensors } from '#stages/students/safetensors.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import type { ReferenceText } from './encoder-reference.ts';

/** Shapes of tensors by name. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Names of the three classes of every checkpoint here. */
export const LABELS = { id2label: { 0: 'a', 1: 'b', 2: 'c' } };

/** config.json of a small encoder, as Hugging Face names its sizes. */
export const SIZES = {
  ...LABELS,
  vocab_size: 60,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 3,
  num_attention_heads: 4,
};

/** A matrix [out, into] with its bias. */
export function dense(name: string, out: number, into: number): Shapes {
  return { [`${name}.weight`]: [out, into], [`${name}.bias`]: [out] };
}

/** Gain and bias of a LayerNorm. */
export function norm(name: string, size: number): Shapes {
  return { [`${name}.weight`]: [size], [`${name}.bias`]: [size] };
}

/** BERT's three tables, 60 words and 40 positions, and their norm. */
export function embeddings(model: string, types: number): Shapes {
  return {
    [`${model}.embeddings.word_embeddings.weight`]: [60, 16],
    [`${model}.embeddings.position_embeddings.weight`]: [40, 16],
    [`${model}.embeddings.token_type_embeddings.weight`]: [types, 16],
    ...norm(`${model}.embeddings.LayerNorm`, 16),
  };
}

/** One layer by BERT's names. */
export const BERT_LAYER: Shapes = {
  ...dense('attention.self.query', 16, 16),
  ...dense('attention.self.key', 16, 16),
  ...dense('attention.self.value', 16, 16),
  ...dense('attention.output.dense', 16, 16),
  ...norm('attention.output.LayerNorm', 16),
  ...dense('intermediate.dense', 24, 16),
  ...dense('output.dense', 16, 24),
  ...norm('output.LayerNorm', 16),
};

/** The same layer several times, each behind its prefix. */
export function layers(prefixOf: (index: number) => string, layer: Shapes, count = 3): Shapes {
  const named = Array.from({ length: count }, (_, index) =>
    Object.entries(layer).map(([name, shape]) => [`${prefixOf(index)}.${name}`, shape] as const),
  );
  return Object.fromEntries(named.flat());
}

/** Numbers by name, the same in each call: gains around 1, all else around 0. */
export function randomTensors(shapes: Shapes): NamedTensor[] {
  return Object.entries(shapes).map(([name, shape]) => {
    const random = randomFor(5, name);
    const size = shape.reduce((product, length) => product * length, 1);
    const around = shape.length === 1 && name.endsWith('weight') ? 1 : 0;
    const values = Float32Array.from({ length: size }, () => around + 0.4 * normal(random));
    return { name, shape, values };
  });
}

/** Writes config.json and model.safetensors; returns their folder. */
export async function folderOf(name: string, config: object, tensors: readonly NamedTensor[]) {
  const made = join(temporaryFolder('decant-checkpoint'), name);
  await mkdir(made);
  await writeFile(join(made, 'config.json'), JSON.stringify(config));
  await writeSafetensors(join(made, 'model.safetensors'), tensors);
  return made;
}

/** Texts of several lengths, so that a batch is padded; the second half of each has type 1. */
export function textsOf(vocabulary: number): ReferenceText[] {
  return [9, 14, 1, 6].map((length, row) => ({
    ids: Array.from({ length }, (_, place) => 2 + ((row * 31 + place * 17) % (vocabulary - 2))),
    typeIds: Array.from({ length }, (_, place) => Number(place >= length / 2)),
  }));
}

/** The ONNX file of a checkpoint gives the logits of a slow, obvious forward pass within 1e-5. */
export async function assertReference(
  made: string,
  tensors: readonly NamedTensor[],
  padding: number,
  reference: (weights: ReadonlyMap<string, NamedTensor>, text: ReferenceText) => number[],
): Promise<void> {
  const texts = textsOf(60);
  const weights = new Map(tensors.map((one) => [one.name, one]));
  const logits = await logitsOf(await checkpointOnnx(made), texts, padding);
  assertClose(
    logits,
    texts.flatMap((text) => reference(weights, text)),
    1e-5,
  );
}

/** As above for models that answer for each token; what they say of padding does not count. */
export async function assertTokenReference(
  made: string,
  tensors: readonly NamedTensor[],
  reference: (weights: ReadonlyMap<string, NamedTensor>, text: ReferenceText) => number[],
): Promise<void> {
  const texts = textsOf(60);
  const weights = new Map(tensors.map((one) => [one.name, one]));
  const logits = await logitsOf(await checkpointOnnx(made), texts, 0);
  const perText = logits.length / texts.length;
  const expected = texts.map((text) => reference(weights, text));
  const real = expected.map(({ length }, row) =>
    logits.slice(row * perText, row * perText + length),
  );
  assertClose(real.flat(), expected.flat(), 1e-5);
}

/** All logits of a model for texts that are padded to one length, in one list. */
export async function logitsOf(
  bytes: Uint8Array,
  texts: readonly ReferenceText[],
  padding: number,
): Promise<number[]> {
  const session = await openSession(bytes, { device: 'cpu', threads: 1 });
  const length = Math.max(...texts.map(({ ids }) => ids.length));
  const column = (valueOf: (text: ReferenceText, place: number) => number) => ({
    type: 'int64' as const,
    data: BigInt64Array.from(
      texts.flatMap((text) => Array.from({ length }, (_, place) => BigInt(valueOf(text, place)))),
    ),
    dims: [texts.length, length],
  });
  try {
    const feeds = {
      input_ids: column(({ ids }, place) => ids[place] ?? padding),
      attention_mask: column(({ ids }, place) => Number(place < ids.length)),
      token_type_ids: column(({ ids, typeIds }, place) =>
        ids.length > place ? (typeIds[place] ?? 0) : 0,
      ),
    };
    const wanted = new Set(session.inputs.map(({ name }) => name));
    const fed = Object.entries(feeds).filter(([name]) => wanted.has(name));
    const { logits } = await session.run(Object.fromEntries(fed));
    assert.ok(logits?.type === 'float32');
    return Array.from(logits.data);
  } finally {
    await session.close();
  }
}

/** No number is further from the expected one than this. */
export function assertClose(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
) {
  assert.equal(actual.length, expected.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] ?? NaN))));
  assert.ok(worst <= tolerance, `${worst} > ${tolerance}`);
}
