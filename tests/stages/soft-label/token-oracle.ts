import assert from 'node:assert/strict';
import type { Split } from '#datasets/example.ts';
import type { SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { bankQuestions, tokensOfSplit } from '#tests/support/language-model-runs.ts';
import type { StageRun } from '#tests/support/run-stage.ts';
import { rowsOf } from './small-run.ts';

/** Questions of the bank: 60 to train on, 20 to validate with, 20 to test with. */
export const questions = bankQuestions(100);

/** Some of them as running text. */
export function paragraphs(from: number, to: number): string {
  return questions
    .slice(from, to)
    .map(({ text }) => text)
    .join('\n\n');
}

/** All of them as running text. */
export const text = {
  train: paragraphs(0, 60),
  validation: paragraphs(60, 80),
  test: paragraphs(80, 100),
};

/** Every row of a split with what float64 arithmetic says of it: [row, log p of each class, right class]. */
export async function* rowsWithOracle(
  run: StageRun,
  prepared: StageRun,
  split: Split,
  oracle: (tokens: number[], targets: number[], place: number) => Float64Array,
): AsyncGenerator<{ rows: SoftLabelRows; row: number; logProbs: Float64Array; original: number }> {
  const { rows } = await rowsOf(run, split);
  const tokens = await tokensOfSplit(prepared, split);
  for (const [row, exampleId] of rows.exampleIds.entries()) {
    const {
      tokenIds = [],
      targetIds = [],
      originals = [],
      positions = [],
    } = tokens.get(exampleId) ?? {};
    const place = rows.positions?.[row] ?? -1;
    const logProbs = oracle(tokenIds, targetIds, place);
    yield { rows, row, logProbs, original: originals[positions.indexOf(place)] ?? -1 };
  }
}

/** Fails where a number is missing or further away than the tolerance. */
export function near(found: number | undefined, wanted: number, tolerance = 1e-5): void {
  assert.ok(Math.abs((found ?? Number.NaN) - wanted) <= tolerance, `${found} instead of ${wanted}`);
}
