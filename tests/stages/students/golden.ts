import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, type StoredTensor } from '#stages/students/safetensors.ts';
import type { ForwardInputs, StudentShape } from '#stages/students/student.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import { goldenFolder } from '#tests/support/paths.ts';

/** What PyTorch computed from a tiny Hugging Face model: see SOURCE.md beside the files. */
export interface GoldenCase {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly logits: readonly (readonly number[])[];
  readonly loss: number;
  readonly gradients: Readonly<
    Record<string, { shape: readonly number[]; norm: number; first: readonly number[] }>
  >;
}

export interface Golden {
  readonly shape: StudentShape;
  readonly config: Readonly<Record<string, unknown>>;
  readonly case: GoldenCase;
  readonly modelPath: string;
  readonly stored: ReadonlyMap<string, StoredTensor>;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** The golden model of an architecture, with everything known about it. */
export async function readGolden(architecture: 'bert' | 'modernbert'): Promise<Golden> {
  const folder = join(goldenFolder, 'hf-golden', architecture);
  const modelPath = join(folder, 'model.safetensors');
  const stored = await readSafetensors(modelPath);
  return {
    shape: goldenShapes[architecture],
    config: JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')),
    case: JSON.parse(await readFile(join(folder, 'cases.json'), 'utf8')),
    modelPath,
    stored,
    weights: new Map([...stored].map(([name, { values }]) => [name, values])),
  };
}

/** What PyTorch computed from a tiny Hugging Face model that answers for each token. */
export interface TokenGolden {
  readonly shape: StudentShape;
  readonly config: Readonly<Record<string, unknown>>;
  readonly case: Omit<GoldenCase, 'labels'> & {
    /** Class wanted of each token; -100 where it is not asked. */
    readonly labels: readonly (readonly number[])[];
  };
  readonly stored: ReadonlyMap<string, StoredTensor>;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

export const TOKEN_GOLDENS = [
  'bert-tokens',
  'modernbert-tokens',
  'bert-masked-lm',
  'modernbert-masked-lm',
  'gpt2',
] as const;

/** One of the models of make_token_golden.py; `case.logits` are those of the asked tokens. */
export async function readTokenGolden(name: (typeof TOKEN_GOLDENS)[number]): Promise<TokenGolden> {
  const folder = join(goldenFolder, 'hf-golden', name);
  const stored = await readSafetensors(join(folder, 'model.safetensors'));
  return {
    shape: tokenShape(name),
    config: JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')),
    case: JSON.parse(await readFile(join(folder, 'cases.json'), 'utf8')),
    stored,
    weights: new Map([...stored].map(([parameter, { values }]) => [parameter, values])),
  };
}

function tokenShape(name: (typeof TOKEN_GOLDENS)[number]): StudentShape {
  const architecture = name === 'gpt2' ? 'gpt2' : name.startsWith('bert') ? 'bert' : 'modernbert';
  const sizes = { hiddenSize: 16, intermediateSize: 24, vocabularySize: 60, maxLength: 16 };
  const head = name.endsWith('tokens')
    ? ({ perToken: true, classCount: 5 } as const)
    : ({ languageModel: name === 'gpt2' ? 'causal' : 'masked', classCount: 60 } as const);
  return { ...smallShape(architecture), ...sizes, ...head };
}

/** A small student of each kind. */
export function smallShape(architecture: StudentShape['architecture']): StudentShape {
  const ofKind = architecture === 'textcnn' ? { kernelWidths: [1, 3], filters: 24 } : {};
  return { ...common, architecture, intermediateSize: 48, maxLength: 64, dropout: 0, ...ofKind };
}

/** A padded batch as the trainer feeds it: rows padded on the right to the given length. */
export function batchOf(
  tf: Tensorflow,
  rows: readonly (readonly number[])[],
  sequenceLength: number,
  dropoutSeed?: readonly [number, number],
): ForwardInputs {
  const flat = new Int32Array(rows.length * sequenceLength);
  for (const [index, row] of rows.entries()) flat.set(row, index * sequenceLength);
  const lengths = Int32Array.from(rows, ({ length }) => length);
  return {
    inputIds: tf.tensor1d(flat, 'int32'),
    lengths: tf.tensor1d(lengths, 'int32'),
    batchSize: rows.length,
    sequenceLength,
    ...(dropoutSeed === undefined
      ? {}
      : { dropoutSeed: tf.tensor1d(Int32Array.from(dropoutSeed), 'int32') }),
  };
}

/** The real tokens of each golden row. */
export function unpaddedRows({
  input_ids,
  attention_mask,
}: Pick<GoldenCase, 'input_ids' | 'attention_mask'>): number[][] {
  return input_ids.map((ids, row) =>
    ids.filter((_, column) => attention_mask[row]?.[column] === 1),
  );
}

const common = {
  vocabularySize: 100,
  classCount: 5,
  layers: 2,
  hiddenSize: 32,
  heads: 2,
  padTokenId: 0,
  clsTokenId: 1,
  sepTokenId: 2,
};

const goldenShapes: Record<'bert' | 'modernbert', StudentShape> = {
  bert: { ...smallShape('bert'), intermediateSize: 64, dropout: 0.1 },
  modernbert: smallShape('modernbert'),
};
