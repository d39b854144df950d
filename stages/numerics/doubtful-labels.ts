import { classThresholds, countedClass, estimatedNoise, labelIssue } from './confident-learning.ts';

/** A labelled row whose label the models doubt. */
export interface DoubtfulLabel {
  readonly exampleId: string;
  readonly goldId: number;
  readonly suggestedId: number;
  /** p(gold) - p(suggested), -1 to 1. */
  readonly margin: number;
  readonly goldProbability: number;
  readonly suggestedProbability: number;
}

/**
 * Rows that confident learning counts as of another class than their label, worst first. `gold` names
 * the class of each labelled row; rows of which there is no opinion are left out. `estimatedNoise`: the share
 * of these labels that is wrong by the joint estimate.
 */
export function doubtfulLabels(
  gold: ReadonlyMap<string, number>,
  opinion: { probabilities(exampleId: string): Float64Array | undefined },
  classCount: number,
): { readonly doubtful: DoubtfulLabel[]; readonly estimatedNoise: number } {
  const known = [...gold].filter(([exampleId]) => opinion.probabilities(exampleId) !== undefined);
  const probsOf = (exampleId: string) => opinion.probabilities(exampleId) ?? new Float64Array();
  const thresholds = classThresholds(
    known.map(([, goldId]) => goldId),
    known.map(([exampleId, goldId]) => probsOf(exampleId)[goldId] ?? 0),
    classCount,
  );
  const doubtful = known.flatMap(([exampleId, goldId]): DoubtfulLabel[] => {
    const probs = probsOf(exampleId);
    const issue = labelIssue(probs, goldId, thresholds);
    if (issue === null) return [];
    const goldProbability = probs[goldId] ?? 0;
    const suggestedProbability = probs[issue.suggestedId] ?? 0;
    return [{ exampleId, goldId, ...issue, goldProbability, suggestedProbability }];
  });
  const counted = known.map(([exampleId]) => countedClass(probsOf(exampleId), thresholds));
  return {
    doubtful: doubtful.sort((a, b) => a.margin - b.margin || (a.exampleId < b.exampleId ? -1 : 1)),
    estimatedNoise: estimatedNoise(
      known.map(([, goldId]) => goldId),
      counted,
      classCount,
    ),
  };
}
