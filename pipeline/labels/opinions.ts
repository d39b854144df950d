import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import {
  type BestTwo,
  bestTwo,
  bestTwoOf,
  classProbabilities,
} from '#datasets/class-probabilities.ts';
import type { Split } from '#datasets/example.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { openExampleLabels } from '#datasets/window-means.ts';
import type { Project } from '#pipeline/project.ts';
import { checkVariant, exportedVariant, variantOrder } from '#pipeline/variants.ts';
import { softmax } from '#stages/numerics/softmax.ts';

/** What one model says of the rows of a split; undefined for a row that it has not seen. */
export interface Opinion {
  probabilities(exampleId: string): Float64Array | undefined;
  bestTwo(exampleId: string): BestTwo | undefined;
}

/** What is asked for has to be made first. */
export class NotMadeError extends Failure {
  constructor(instance: string) {
    super(
      'usage',
      'E_NOT_MADE',
      `${instance} is stale or not made yet`,
      `make it: npx decant run --to ${instance}`,
    );
  }
}

/** The fresh artifact of an instance; throws where there is none. */
export function requireArtifact(fresh: ReadonlyMap<string, Artifact>, instance: string): Artifact {
  const artifact = fresh.get(instance);
  if (artifact === undefined) throw new NotMadeError(instance);
  return artifact;
}

/** The variant that a person names, or the one that is exported. */
export function studentNamed({ loaded }: Project, name: string | undefined): string {
  if (name !== undefined) checkVariant(loaded, name, '--student');
  return name ?? exportedVariant(loaded.config, variantOrder(loaded));
}

/** The teacher's opinion, from the cache. */
export async function teacherOpinion({ folder }: Artifact, split: Split): Promise<Opinion> {
  const reader = await openExampleLabels(outputFolder(folder, `rows/${split}`));
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
export function meanOf(opinions: readonly Opinion[]): Pick<Opinion, 'probabilities'> {
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
