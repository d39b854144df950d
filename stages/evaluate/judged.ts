import type { ValueTask } from '#datasets/task.ts';
import { accuracy, classScores, macroF1 } from '#stages/numerics/metrics.ts';
import { figuresOfValues, type ValueScores } from './measure-values.ts';
import type { Scores } from './scores.ts';

export type Figures = Record<string, number | null>;

/** Test rows with gold and a model's answers to them, ready to be measured in parts. */
export interface JudgedRows {
  readonly exampleIds: readonly string[];
  /** The figures on these rows alone, by their places. */
  figuresOf(rows: readonly number[]): Figures;
}

/** Rows of one class each: accuracy and macro-F1. */
export function judgedClasses(
  scores: Pick<Scores, 'exampleIds' | 'predictedIds'>,
  gold: ReadonlyMap<string, number>,
  classCount: number,
): JudgedRows {
  const { kept, exampleIds } = withGold(scores.exampleIds, gold);
  const pick = (rows: readonly number[], of: (row: number) => number | undefined) =>
    Int32Array.from(rows, (row) => of(row) ?? -1);
  return {
    exampleIds,
    figuresOf(rows) {
      const predictedIds = pick(rows, (row) => scores.predictedIds[kept[row] ?? -1]);
      const goldIds = pick(rows, (row) => gold.get(exampleIds[row] ?? ''));
      return {
        accuracy: accuracy(predictedIds, goldIds),
        macroF1: macroF1(classScores(predictedIds, goldIds, classCount)),
      };
    },
  };
}

/** Rows whose answers are numbers: the figures of their task. */
export function judgedValues(
  { exampleIds: all, logits }: ValueScores,
  gold: ReadonlyMap<string, Float32Array>,
  { task, width }: { readonly task: ValueTask; readonly width: number },
): JudgedRows {
  const { kept, exampleIds } = withGold(all, gold);
  return {
    exampleIds,
    figuresOf(rows) {
      const own = new Float32Array(rows.length * width);
      const targets = new Float32Array(rows.length * width);
      for (const [place, row] of rows.entries()) {
        const from = (kept[row] ?? 0) * width;
        own.set(logits.subarray(from, from + width), place * width);
        targets.set(gold.get(exampleIds[row] ?? '') ?? [], place * width);
      }
      return figuresOfValues(task, own, targets, width).figures;
    },
  };
}

function withGold(ids: readonly string[], gold: ReadonlyMap<string, unknown>) {
  const kept = [...ids.keys()].filter((row) => gold.has(ids[row] ?? ''));
  return { kept, exampleIds: kept.map((row) => ids[row] ?? '') };
}
