import { answerKey } from './tokens/token-answers.ts';

/** What a model says of words, one answer a row. */
export interface WordAnswers {
  readonly exampleIds: readonly string[];
  /** Number of the word in its example. */
  readonly positions: Int32Array;
  readonly predictedIds: Int32Array;
}

/** Names of the words of one sentence, of those that the corpus gives a label. */
export interface TaggedSentence {
  readonly gold: string[];
  readonly predicted: string[];
}

/** Labelled sentences, and how many of their labelled words a model never saw. */
export interface TaggedSentences {
  readonly sentences: readonly TaggedSentence[];
  /** Cut off, or without a token: nobody who uses the model gets a name for them, so they count as O. */
  readonly unansweredWords: number;
}

/** Puts gold and predicted names of each labelled sentence side by side. */
export function taggedSentences(
  answers: WordAnswers,
  gold: ReadonlyMap<string, Int32Array>,
  classNames: readonly string[],
): TaggedSentences {
  const predicted = new Map<string, Map<number, number>>();
  for (const [row, exampleId] of answers.exampleIds.entries()) {
    const words = predicted.get(exampleId) ?? new Map<number, number>();
    words.set(answers.positions[row] ?? -1, answers.predictedIds[row] ?? -1);
    predicted.set(exampleId, words);
  }
  let unansweredWords = 0;
  const sentences = [...gold].map(([exampleId, labelIds]): TaggedSentence => {
    const said = predicted.get(exampleId);
    const labelled = [...labelIds.keys()].filter((word) => (labelIds[word] ?? -1) >= 0);
    unansweredWords += labelled.filter((word) => said?.has(word) !== true).length;
    const nameOf = (classId: number | undefined) => classNames[classId ?? -1] ?? 'O';
    return {
      gold: labelled.map((word) => nameOf(labelIds[word])),
      predicted: labelled.map((word) => nameOf(said?.get(word))),
    };
  });
  return { sentences, unansweredWords };
}

/** The class of each labelled word, by the key of its answer. */
export function goldOfAnswers(gold: ReadonlyMap<string, Int32Array>): Map<string, number> {
  const labels = [...gold].flatMap(([exampleId, labelIds]) =>
    Array.from(labelIds, (labelId, word) => [answerKey(exampleId, word), labelId] as const),
  );
  return new Map(labels.filter(([, labelId]) => labelId >= 0));
}
