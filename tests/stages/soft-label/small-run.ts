import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeClasses } from '#datasets/classes.ts';
import { type Example, SPLITS, type Split } from '#datasets/example.ts';
import { writeExamples } from '#datasets/examples.ts';
import {
  concatRows,
  openSoftLabels,
  type SoftLabelMeta,
  type SoftLabelRows,
} from '#datasets/soft-labels/soft-labels.ts';
import { type TokenAnswers, writeTokens } from '#datasets/tokens/tokens.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import type { EarlierArtifact } from '#stages/stage.ts';
import { bagTeacher } from '#tests/stages/onnx/logit-models.ts';
import { runStage, type StageRun, type StageRunOptions } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** A row of a made-up corpus; its number decides its id, its text and its tokens. */
export type RowNumber = number;

export type SmallCorpus = Readonly<Record<Split, readonly RowNumber[]>>;

export const VOCABULARY = 50;
export const CLASS_COUNT = 6;

/** Rows numbered from the first of each split. */
export function corpusOf(train: number, validation = 3, test = 3): SmallCorpus {
  const range = (from: number, count: number) =>
    Array.from({ length: count }, (_, row) => from + row);
  return { train: range(0, train), validation: range(5000, validation), test: range(6000, test) };
}

export function idOf(row: RowNumber): string {
  return row.toString(16).padStart(32, '0');
}

/** Tokens of a row: 1, 5, 9, 13 or 17 of them, none of them token 0 or the last one. */
export function tokensOf(row: RowNumber): number[] {
  const length = 1 + 4 * ((row * 7) % 5);
  return Array.from({ length }, (_, index) => 1 + ((row * 31 + index * 17) % (VOCABULARY - 2)));
}

/** Writes what `prepare` would have written; returns the inputs of the stage. */
export async function writeCorpus(
  corpus: SmallCorpus,
  options: {
    tokenizerDigest?: string;
    classNames?: readonly string[];
    tokens?: typeof tokensOf;
    /** Types of the tokens: 0 of a first text, 1 of a second; none when left out. */
    types?: typeof tokensOf;
    /** Places of the tokens that are answered for; one answer a row when left out. */
    answers?: (row: RowNumber) => number[];
    /** Lengths of the windows of each row, which lie end to end. */
    windows?: (row: RowNumber) => number[];
  } = {},
): Promise<Record<string, string>> {
  const root = temporaryFolder();
  const folder = (name: string) => {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const inputs: Record<string, string> = { classes: folder('classes') };
  const names = Array.from({ length: CLASS_COUNT }, (_, id) => `class ${id}`);
  await writeClasses(folder('classes'), options.classNames ?? names);
  for (const split of SPLITS) {
    inputs[`inputs/${split}`] = folder(`inputs/${split}`);
    inputs[`tokens/teacher/${split}`] = folder(`tokens/teacher/${split}`);
    const examples = corpus[split].map(
      (row): Example => ({
        exampleId: idOf(row),
        split,
        sourceId: row % 2 === 0 ? `source-${row}` : null,
        text: `text of row ${row}`,
        textPair: null,
        weight: 1,
      }),
    );
    await writeExamples(folder(`inputs/${split}`), examples);
    // Tokens lie in another order than the examples: rows are joined by id.
    const reversed = corpus[split].toReversed();
    const tokens = reversed.map(options.tokens ?? tokensOf);
    const offsets = new Int32Array(tokens.length + 1);
    for (const [row, { length }] of tokens.entries())
      offsets[row + 1] = (offsets[row] ?? 0) + length;
    await writeTokens(folder(`tokens/teacher/${split}`), {
      exampleIds: reversed.map(idOf),
      offsets,
      tokenIds: Int32Array.from(tokens.flat()),
      typeIds: options.types ? Int32Array.from(reversed.flatMap(options.types)) : null,
      truncated: new Uint8Array(tokens.length),
      tokenizerDigest: options.tokenizerDigest ?? 'tokenizer',
      maxLength: 32,
      ...(options.answers && { answers: answersOf(reversed.map(options.answers)) }),
      ...(options.windows && { windowEnds: windowEndsOf(reversed.map(options.windows)) }),
    });
  }
  return inputs;
}

/** The answers of each row, numbered in tens so that a place is not taken for a position. */
function answersOf(places: readonly number[][]): TokenAnswers {
  const offsets = new Int32Array(places.length + 1);
  for (const [row, { length }] of places.entries()) offsets[row + 1] = (offsets[row] ?? 0) + length;
  const at = Int32Array.from(places.flat());
  return { offsets, at, positions: at.map((place) => place * 10) };
}

function windowEndsOf(rows: readonly number[][]) {
  const ends = rows.map((lengths) => {
    let end = 0;
    return lengths.map((length) => (end += length));
  });
  const offsets = [0];
  for (const row of ends) offsets.push((offsets.at(-1) ?? 0) + row.length);
  return { values: Int32Array.from(ends.flat()), offsets: Int32Array.from(offsets) };
}

/** Weights of the small teacher: [VOCABULARY, CLASS_COUNT]. */
export function teacherWeights(): Float32Array {
  return new Float32Array(VOCABULARY * CLASS_COUNT).map((_, i) => Math.sin(i * 12.9898) * 0.7);
}

/** Writes a teacher; returns its path. */
export function writeTeacher(change: Partial<Parameters<typeof bagTeacher>[0]> = {}): string {
  const path = join(temporaryFolder(), 'teacher.onnx');
  writeFileSync(
    path,
    bagTeacher({ weights: teacherWeights(), classCount: CLASS_COUNT, ...change }),
  );
  return path;
}

export const baseConfig = {
  topK: 3,
  temperatures: [1, 2],
  maxLength: 32,
  device: 'cpu',
  threads: 1,
};

/** Runs the stage with settings on top of small ones. The recipe is what the pipeline would make of them. */
export async function runSoftLabel(
  options: Omit<StageRunOptions, 'config'> & { readonly config?: Record<string, unknown> },
): Promise<StageRun> {
  const config = { ...baseConfig, ...options.config };
  return runStage(softLabel, { recipe: recipeOf(config), ...options, config });
}

export function recipeOf(config: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(config).filter(([key]) => !softLabel.speedKnobs.includes(key));
  return {
    stage: 'soft-label',
    config: Object.fromEntries(entries),
    files: { model: ['teacher'] },
  };
}

/** A finished run as a later one sees it. */
export function asEarlier(
  run: StageRun,
  config: Record<string, unknown> = baseConfig,
): EarlierArtifact {
  return {
    fingerprint: 'earlier',
    sameRecipe: true,
    outputs: run.outputs,
    recipe: recipeOf(config),
    counts: run.counts,
    environment: {},
  };
}

/** All rows of one split. */
export async function rowsOf(
  run: StageRun,
  split: Split,
): Promise<{ meta: SoftLabelMeta; rows: SoftLabelRows; shards: readonly string[] }> {
  const reader = await openSoftLabels(run.outputs[`rows/${split}`] ?? '');
  try {
    const parts = await Promise.all(reader.shards.map((_, index) => reader.readShard(index)));
    return { meta: reader.meta, rows: concatRows(parts), shards: reader.shards };
  } finally {
    await reader.close();
  }
}

/** The logits of `writeTeacher` in float64: the sum of the weights of its tokens. */
export function logitsOf(row: RowNumber): number[] {
  const weights = teacherWeights();
  return Array.from({ length: CLASS_COUNT }, (_, id) =>
    tokensOf(row).reduce((sum, token) => sum + (weights[token * CLASS_COUNT + id] ?? 0), 0),
  );
}

/** Fails where a number is missing or further away than the tolerance. */
export function near(found: number | undefined, expected: number, tolerance: number): void {
  assert.ok(Math.abs((found ?? NaN) - expected) <= tolerance, `${found} is not ${expected}`);
}
