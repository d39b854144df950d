import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeClasses } from '#datasets/classes.ts';
import type { Split } from '#datasets/example.ts';
import { writeLabels } from '#datasets/labels.ts';
import { writeProbe } from '#datasets/probe.ts';
import type { SoftLabelMeta } from '#datasets/soft-labels/soft-label-meta.ts';
import type { SoftLabelRows } from '#datasets/soft-labels/soft-label-rows.ts';
import { writeSoftLabelShard } from '#datasets/soft-labels/soft-labels.ts';
import { type TokenTable, writeTokens } from '#datasets/tokens/tokens.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { graph, int64Tensor, model, node, tensor, valueInfo } from '#stages/onnx/wire.ts';
import { writeSafetensors } from '#stages/students/safetensors.ts';

/** Classes of the tiny world. */
export const TINY_CLASSES = ['card_arrival', 'top_up_failed', 'age_limit'];

/** 32 hex digits, different for each number. */
export function exampleId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

/** Soft labels of rows with these logits, computed the slow and obvious way. */
export function softLabelsOf(
  split: Split,
  rows: readonly { readonly id: string; readonly logits: readonly number[] }[],
  meta: SoftLabelMeta,
): SoftLabelRows {
  const topK = meta.topK ?? 0;
  const best = rows.map(({ logits }) =>
    logits
      .map((_, id) => id)
      .sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0))
      .slice(0, topK),
  );
  const isDense = meta.mode === 'dense';
  return {
    rowCount: rows.length,
    exampleIds: rows.map(({ id }) => id),
    splits: rows.map(() => split),
    sourceIds: rows.map(() => null),
    topIds: Int32Array.from(best.flat()),
    topLogits: Float32Array.from(
      best.flatMap((ids, row) => ids.map((id) => rows[row]?.logits[id] ?? 0)),
    ),
    logits: Float32Array.from(isDense ? rows.flatMap(({ logits }) => logits) : []),
    logSumExp: meta.temperatures.map((t) =>
      Float32Array.from(rows, ({ logits }) => logSumExp(logits, t)),
    ),
    tailLogMass: meta.temperatures.map((t) =>
      Float32Array.from(isDense ? [] : rows, ({ logits }, row) => {
        const tail = logits.filter((_, id) => !best[row]?.includes(id));
        return logSumExp(tail, t) - logSumExp(logits, t);
      }),
    ),
    entropyNats: Float32Array.from(rows, ({ logits }) => {
      const probs = logits.map((z) => Math.exp(z - logSumExp(logits, 1)));
      return -probs.reduce((sum, p) => sum + p * Math.log(p), 0);
    }),
  };
}

/** Footer of a cache over the tiny classes. */
export function tinyMeta(changes: Partial<SoftLabelMeta> = {}): SoftLabelMeta {
  return {
    formatVersion: 1,
    mode: 'top-k',
    topK: 2,
    temperatures: [1, 2],
    classNames: TINY_CLASSES,
    fingerprint: 'f'.repeat(64),
    teacherDigest: 'a'.repeat(64),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 16,
    provider: 'cpu',
    runtime: 'onnxruntime 1.30.0',
    precision: 'float32',
    ...changes,
  };
}

/** Writes one shard of soft labels and says where. */
export async function softLabelFolder(
  folder: string,
  rows: SoftLabelRows,
  meta: SoftLabelMeta,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await writeSoftLabelShard(join(folder, 'part-00000.parquet'), rows, meta);
  return folder;
}

/** Writes gold labels, one class id an example. */
export async function labelFolder(
  folder: string,
  gold: Readonly<Record<string, number>>,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const rows = Object.entries(gold).map(([id, labelId]) => ({
    exampleId: id,
    labelId,
    label: TINY_CLASSES[labelId] ?? '',
    weight: 1,
  }));
  await writeLabels(folder, rows);
  return folder;
}

/** Writes the tiny classes. */
export async function classFolder(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await writeClasses(folder, TINY_CLASSES);
  return folder;
}

/** Token rows of one to six tokens below `TINY_VOCABULARY`. */
export function tinyTokens(ids: readonly string[], seed = 1): TokenTable {
  const random = randomFor(seed, 'tiny-tokens');
  const rows = ids.map(() =>
    Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
      Math.floor(1 + random() * (TINY_VOCABULARY - 1)),
    ),
  );
  const offsets = [0];
  for (const row of rows) offsets.push((offsets.at(-1) ?? 0) + row.length);
  return {
    exampleIds: ids,
    offsets: Int32Array.from(offsets),
    tokenIds: Int32Array.from(rows.flat()),
    typeIds: null,
    truncated: new Uint8Array(ids.length),
    tokenizerDigest: 'b'.repeat(64),
    maxLength: 16,
  };
}

/** Writes a token table. */
export async function tokenFolder(folder: string, table: TokenTable): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await writeTokens(folder, table);
  return folder;
}

/** What the tiny student says: the sum of its tokens' rows of the embedding. */
export function tinyLogits(table: TokenTable, row: number): number[] {
  const tokens = table.tokenIds.subarray(table.offsets[row], table.offsets[row + 1]);
  return TINY_CLASSES.map((_, id) =>
    tokens.reduce((sum, token) => sum + (EMBEDDING[token * TINY_CLASSES.length + id] ?? 0), 0),
  );
}

/** A student folder as train-student writes it, with a graph that sums embeddings. */
export async function tinyStudent(folder: string, table: TokenTable): Promise<string> {
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  writeFileSync(join(folder, 'onnx', 'model.onnx'), tinyOnnx());
  const shape = [TINY_VOCABULARY, TINY_CLASSES.length];
  await writeSafetensors(join(folder, 'model.safetensors'), [
    { name: 'embedding', shape, values: EMBEDDING },
  ]);
  const id2label = Object.fromEntries(TINY_CLASSES.map((name, id) => [id, name]));
  const config = { model_type: 'tiny', architectures: ['Tiny'], id2label, pad_token_id: 0 };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json']) {
    writeFileSync(join(folder, file), '{}');
  }
  const inputs = table.exampleIds.map((id, row) => ({
    exampleId: id,
    tokenIds: [...table.tokenIds.subarray(table.offsets[row], table.offsets[row + 1])],
    logits: tinyLogits(table, row),
  }));
  await writeProbe(folder, inputs);
  return folder;
}

/** logits = ReduceSum(embedding[input_ids] * attention_mask, sequence). */
export function tinyOnnx(): Uint8Array {
  const shape = [TINY_VOCABULARY, TINY_CLASSES.length];
  return model(
    graph({
      name: 'tiny',
      initializers: [
        tensor('embedding', 'float32', shape, EMBEDDING),
        int64Tensor('last', [-1]),
        int64Tensor('sequence_axis', [1]),
      ],
      inputs: [
        valueInfo('input_ids', 'int64', ['batch', 'sequence']),
        valueInfo('attention_mask', 'int64', ['batch', 'sequence']),
      ],
      outputs: [valueInfo('logits', 'float32', ['batch', TINY_CLASSES.length])],
      nodes: [
        node('Gather', ['embedding', 'input_ids'], ['rows']),
        node('Cast', ['attention_mask'], ['mask'], { to: { int: 1 } }),
        node('Unsqueeze', ['mask', 'last'], ['wide_mask']),
        node('Mul', ['rows', 'wide_mask'], ['real_rows']),
        node('ReduceSum', ['real_rows', 'sequence_axis'], ['logits'], { keepdims: { int: 0 } }),
      ],
    }),
  );
}

function logSumExp(logits: readonly number[], temperature: number): number {
  return Math.log(logits.reduce((sum, z) => sum + Math.exp(z / temperature), 0));
}

/** Size of the tiny vocabulary; token 0 is padding. */
export const TINY_VOCABULARY = 8;

const random = randomFor(7, 'tiny-embedding');
const EMBEDDING = Float32Array.from(
  { length: TINY_VOCABULARY * TINY_CLASSES.length },
  () => 3 * random() - 1.5,
);
