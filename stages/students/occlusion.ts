import type { OpenStudent } from './open-student.ts';
import type { Prediction } from './student-answers.ts';

/** How much a word speaks for the label that a text got. */
export interface WordScore {
  readonly word: string;
  /** What the probability of the label (of regression: the first number) loses without the word. */
  readonly score: number;
}

/**
 * Leaves out one word after the other and asks again (occlusion, Zeiler and Fergus 2014, on words). Costs as
 * many answers as a text has words. `predictions` are those of the whole texts.
 */
export async function wordScores(
  student: Pick<OpenStudent, 'classify' | 'classNames'>,
  texts: readonly string[],
  predictions: readonly Prediction[],
): Promise<WordScore[][]> {
  const scores: WordScore[][] = [];
  for (const [row, text] of texts.entries()) {
    const words = text.split(/\s+/).filter((word) => word !== '');
    const without = words.map((_, left) => words.filter((_, at) => at !== left).join(' '));
    const answers = await student.classify(without, { top: student.classNames.length });
    const whole = predictions[row];
    const valueOf = (answer: Prediction | undefined) =>
      answer?.top.find(({ label }) => label === whole?.label)?.probability ?? 0;
    scores.push(
      words.map((word, at) => ({
        word,
        score: (whole?.confidence ?? 0) - valueOf(answers[at]),
      })),
    );
  }
  return scores;
}
