import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeClasses } from '#datasets/classes.ts';
import { exampleIdOf } from '#datasets/example-id.ts';
import { type GoldLabel, writeLabels } from '#datasets/labels.ts';
import {
  type SoftLabelMeta,
  type SoftLabelRows,
  writeSoftLabelShard,
} from '#datasets/soft-labels/soft-labels.ts';
import { type GoldTargets, writeTargets } from '#datasets/targets.ts';
import { writeTokens } from '#datasets/tokens/tokens.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** What a synthetic corpus is made of. */
export interface SyntheticOptions {
  readonly rows?: number;
  readonly mode?: 'top-k' | 'dense';
  readonly topK?: number;
  /** Rows of one shard. */
  readonly shardRows?: number;
  /** Places of train rows that the teacher said nothing about. */
  readonly withoutSoftLabels?: readonly number[];
  readonly temperatures?: readonly number[];
  /** Every n-th train row has a gold label; 0: none. */
  readonly goldEvery?: number;
  readonly validationGold?: boolean;
  /** Features of the teacher beside its logits: `hidden_class`, a direction of each class in three numbers. */
  readonly hidden?: boolean;
  /** Tokens of every row. Default: 4 to 22. */
  readonly length?: number;
  /** Words of the vocabulary. Default: 40, which is all that rows have. */
  readonly words?: number;
  /** The gold class is a vector of numbers, 1 at its place. */
  readonly task?: 'multi-label' | 'regression';
}

export const classNames = ['apple', 'banana', 'cherry', 'date', 'elder'];

/**
 * Input artifacts of train-student: texts of 2 to 20 words, two of which betray the class, and a
 * teacher that is nearly always right.
 */
export async function syntheticInputs(
  options: SyntheticOptions = {},
): Promise<Record<string, string>> {
  const folder = temporaryFolder();
  const inputs: Record<string, string> = {};
  const add = async (name: string, write: (folder: string) => Promise<void>): Promise<void> => {
    const path = join(folder, name);
    await mkdir(path, { recursive: true });
    await write(path);
    inputs[name] = path;
  };
  const { rows = 200, goldEvery = 2, validationGold = true, shardRows = rows } = options;
  const splits = {
    train: examplesOf('train', rows, goldEvery, options),
    validation: examplesOf('validation', 60, validationGold ? 1 : 0, options),
  };
  for (const split of ['train', 'validation'] as const) {
    const examples = splits[split];
    await add(`tokens/student/${split}`, (path) =>
      writeTokens(path, tokenTable(examples, options)),
    );
    await add(`labels/${split}`, (path) =>
      options.task === undefined
        ? writeLabels(path, goldLabels(examples))
        : writeTargets(path, goldValues(examples)),
    );
    await add(`rows/${split}`, async (path) => {
      const silent = split === 'train' ? (options.withoutSoftLabels ?? []) : [];
      const spoken = examples.filter((_, row) => !silent.includes(row));
      for (let start = 0; start < spoken.length; start += shardRows) {
        const name = `part-${String(start / shardRows).padStart(5, '0')}.parquet`;
        const meta = softLabelMeta(options);
        const shard = softLabelRows(spoken.slice(start, start + shardRows), meta, split);
        await writeSoftLabelShard(join(path, name), shard, meta);
      }
    });
  }
  await add('classes', async (path) => {
    await writeClasses(path, classNames);
  });
  await add('tokenizer/student', (path) => writeTokenizer(path, options.words));
  return inputs;
}

interface SyntheticExample {
  readonly exampleId: string;
  readonly tokenIds: readonly number[];
  readonly classId: number;
  readonly hasGold: boolean;
  readonly teacherLogits: readonly number[];
}

function examplesOf(
  split: string,
  count: number,
  goldEvery: number,
  { length, task }: SyntheticOptions,
): SyntheticExample[] {
  // Each label by itself: its yes is above 0 and its no below.
  const lower = task === undefined ? 0 : 2;
  const random = randomFor(7, split);
  const below = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, (_, row) => {
    const classId = below(classNames.length);
    const telling = [0, 1].map(() => firstWord + 2 * classId + below(2));
    // Between both ends, beside the telling words.
    const fillers = length === undefined ? below(18) : length - 4;
    const filler = Array.from({ length: fillers }, () => firstWord + 10 + below(30));
    const words = [...filler, ...telling].sort(() => random() - 0.5);
    const teacherLogits = classNames.map((_, id) => (id === classId ? 3 : 0) + random() - lower);
    return {
      exampleId: exampleIdOf(`${split} ${row}`, null),
      tokenIds: [cls, ...words, sep],
      classId,
      hasGold: goldEvery > 0 && row % goldEvery === 0,
      teacherLogits,
    };
  });
}

function tokenTable(examples: readonly SyntheticExample[], { length = 24 }: SyntheticOptions) {
  const offsets = new Int32Array(examples.length + 1);
  for (const [row, { tokenIds }] of examples.entries()) {
    offsets[row + 1] = (offsets[row] ?? 0) + tokenIds.length;
  }
  return {
    exampleIds: examples.map(({ exampleId }) => exampleId),
    offsets,
    tokenIds: Int32Array.from(examples.flatMap(({ tokenIds }) => tokenIds)),
    typeIds: null,
    truncated: new Uint8Array(examples.length),
    tokenizerDigest: 'synthetic',
    maxLength: length,
  };
}

function goldLabels(examples: readonly SyntheticExample[]): GoldLabel[] {
  return examples.flatMap(({ exampleId, classId, hasGold }) => {
    const label = classNames[classId] ?? '';
    return hasGold ? [{ exampleId, labelId: classId, label, weight: 1 }] : [];
  });
}

function goldValues(examples: readonly SyntheticExample[]): GoldTargets[] {
  return examples.flatMap(({ exampleId, classId, hasGold }) => {
    const targets = Float32Array.from(classNames, (_, id) => (id === classId ? 1 : 0));
    return hasGold ? [{ exampleId, targets }] : [];
  });
}

function softLabelMeta({
  task,
  mode = task === undefined ? 'top-k' : 'dense',
  topK = 3,
  temperatures = task === undefined ? [1, 2] : [],
  hidden = false,
  length = 24,
}: SyntheticOptions): SoftLabelMeta {
  return {
    formatVersion: 1,
    mode,
    topK: mode === 'dense' ? null : topK,
    temperatures: [...temperatures],
    classNames,
    fingerprint: 'synthetic',
    teacherDigest: 'synthetic',
    tokenizerDigest: 'synthetic',
    maxLength: length,
    provider: 'cpu',
    runtime: 'none',
    precision: 'float32',
    ...(hidden && { hidden: { class: HIDDEN_WIDTH } }),
    ...(task && { task }),
  };
}

function softLabelRows(
  examples: readonly SyntheticExample[],
  meta: SoftLabelMeta,
  split: 'train' | 'validation',
): SoftLabelRows {
  const k = meta.topK ?? 0;
  const sorted = examples.map(({ teacherLogits }) =>
    [...teacherLogits.entries()].sort(([, a], [, b]) => b - a),
  );
  const perTemperature = (from: number): Float32Array[] =>
    meta.temperatures.map((temperature) =>
      Float32Array.from(sorted, (entries) => {
        const logits = entries.map(([, logit]) => logit / temperature);
        return logSumExp(logits.slice(from)) - (from > 0 ? logSumExp(logits) : 0);
      }),
    );
  return {
    rowCount: examples.length,
    exampleIds: examples.map(({ exampleId }) => exampleId),
    splits: examples.map(() => split),
    sourceIds: examples.map(() => null),
    topIds: Int32Array.from(sorted.flatMap((entries) => entries.slice(0, k).map(([id]) => id))),
    topLogits: Float32Array.from(
      sorted.flatMap((entries) => entries.slice(0, k).map(([, logit]) => logit)),
    ),
    logits: Float32Array.from(
      meta.mode === 'dense' ? examples.flatMap(({ teacherLogits }) => teacherLogits) : [],
    ),
    logSumExp: perTemperature(0),
    tailLogMass: meta.mode === 'dense' ? [] : perTemperature(k),
    entropyNats: new Float32Array(examples.length),
    ...(meta.hidden && {
      hidden: {
        class: Float32Array.from(
          examples.flatMap(({ classId }) => [Math.cos(classId), Math.sin(classId), 0.5]),
        ),
      },
    }),
  };
}

function logSumExp(logits: readonly number[]): number {
  return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
}

async function writeTokenizer(folder: string, count = 40): Promise<void> {
  const words = Array.from({ length: count }, (_, word) => `word${word}`);
  const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...words];
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const special = { pad_token: '[PAD]', cls_token: '[CLS]', sep_token: '[SEP]' };
  const files = {
    'tokenizer.json': { model: { type: 'WordPiece', vocab }, added_tokens: [] },
    'tokenizer_config.json': { tokenizer_class: 'BertTokenizer' },
    'special_tokens_map.json': special,
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), JSON.stringify(content));
  }
}

const HIDDEN_WIDTH = 3;
const cls = 2;
const sep = 3;
const firstWord = 4;
