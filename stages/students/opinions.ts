import type { Split } from '#datasets/example.ts';
import { readPredictions } from '#datasets/predictions.ts';
import {
  type BestTwo,
  bestTwo,
  bestTwoOf,
  classProbabilities,
} from '#datasets/soft-labels/class-probabilities.ts';
import { openExampleLabels } from '#datasets/window-means.ts';
import { softmax } from '#stages/numerics/softmax.ts';

/** What one model says of the rows of a split; undefined for a row that it has not seen. */
export interface Opinion {
  probabilities(exampleId: string): Float64Array | undefined;
  bestTwo(exampleId: string): BestTwo | undefined;
}

/** A teacher's opinion, from the soft labels in this folder. */
export async function teacherOpinion(folder: string): Promise<Opinion> {
  const reader = await openExampleLabels(folder);
  try {
    const byExample = new Map<string, Answer>();
    for await (const rows of reader.rows()) {
      const probabilities = classProbabilities(rows, reader.meta);
      const best = bestTwo(rows, reader.meta);
      for (const [row, exampleId] of rows.exampleIds.entries()) {
        byExample.set(exampleId, { probabilities, bestTwo: best, row });
      }
    }
    return opinionOf(byExample);
  } finally {
    await reader.close();
  }
}

/** A student's opinion, from the predictions in this folder. */
export async function studentOpinion(folder: string, split: Split): Promise<Opinion> {
  const { exampleIds, logits, rowCount } = await readPredictions(folder, split);
  const classCount = logits.length / Math.max(1, rowCount);
  const probabilities = (row: number) =>
    softmax(logits.subarray(row * classCount, (row + 1) * classCount));
  const best = (row: number) => bestTwoOf(probabilities(row));
  return opinionOf(
    new Map(exampleIds.map((exampleId, row) => [exampleId, { probabilities, bestTwo: best, row }])),
  );
}

/** Several models as one: the mean of their probabilities, where all of them know the row. */
export function meanOf(
  opinions: readonly Pick<Opinion, 'probabilities'>[],
): Pick<Opinion, 'probabilities'> {
  return {
    probabilities(exampleId) {
      const all = opinions.map((opinion) => opinion.probabilities(exampleId));
      const [first, ...others] = all.filter((probs) => probs !== undefined);
      if (first === undefined || others.length + 1 < all.length) return undefined;
      return first.map(
        (prob, id) =>
          (prob + others.reduce((sum, probs) => sum + (probs[id] ?? 0), 0)) / all.length,
      );
    },
  };
}

/** Where a row's answer comes from; computed when somebody asks. */
interface Answer {
  readonly probabilities: (row: number) => Float64Array;
  readonly bestTwo: (row: number) => BestTwo;
  readonly row: number;
}

function opinionOf(byExample: ReadonlyMap<string, Answer>): Opinion {
  return {
    probabilities(exampleId) {
      const answer = byExample.get(exampleId);
      return answer?.probabilities(answer.row);
    },
    bestTwo(exampleId) {
      const answer = byExample.get(exampleId);
      return answer?.bestTwo(answer.row);
    },
  };
}
