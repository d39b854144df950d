import type { Metrics } from '#datasets/metrics/metrics.ts';
import {
  type TaggedSentences,
  taggedSentences,
  type WordAnswers,
} from '#datasets/tagged-sentences.ts';
import {
  entityCounts,
  entityScore,
  isEntityScheme,
  totalCounts,
} from '#stages/numerics/entities.ts';

import { entityIntervals } from './intervals.ts';

/** How words are measured beyond each by itself: whole entities, where the classes name them. */
export function wordMetrics(
  answers: WordAnswers,
  gold: ReadonlyMap<string, Int32Array>,
  classNames: readonly string[],
): Pick<Metrics, 'words' | 'intervals'> {
  const tagged = taggedSentences(answers, gold, classNames);
  const namesEntities = isEntityScheme(classNames);
  return {
    intervals: namesEntities ? entityIntervals(tagged.sentences) : {},
    words: {
      sentences: tagged.sentences.length,
      unanswered: tagged.unansweredWords,
      entities: namesEntities ? entityFigures(tagged) : null,
    },
  };
}

/** Micro average over all entities, as conlleval and seqeval print it, and each type by itself. */
function entityFigures({ sentences }: TaggedSentences) {
  const counts = entityCounts(sentences);
  const total = totalCounts(counts.values());
  return {
    support: total.gold,
    predicted: total.predicted,
    ...entityScore(total),
    perType: [...counts].map(([type, count]) => ({
      type,
      support: count.gold,
      predicted: count.predicted,
      ...entityScore(count),
    })),
  };
}
