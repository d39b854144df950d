import type { OpenStudent } from './open-student.ts';
import type { Prediction } from './student-answers.ts';
import type { StudentText, TextPair } from './student-text.ts';

/** How much a word speaks for the label that a text got. */
export interface WordScore {
  readonly word: string;
  /** What the probability of the label (of regression: the first number) loses without the word. */
  readonly score: number;
}

/**
 * Leaves out one word after the other and asks again (occlusion, Zeiler and Fergus 2014, on words). Costs as
 * many answers as a text has words, of a pair as both have. `predictions` are those of the whole texts.
 */
export async function wordScores(
  student: Pick<OpenStudent, 'classify' | 'classNames'>,
  texts: readonly StudentText[],
  predictions: readonly Prediction[],
): Promise<WordScore[][]> {
  const scores: WordScore[][] = [];
  for (const [row, text] of texts.entries()) {
    const parts = typeof text === 'string' ? withoutEach(text) : ofPair(text);
    const answers = await student.classify(
      parts.map(({ without }) => without),
      { top: student.classNames.length },
    );
    const whole = predictions[row];
    const valueOf = (answer: Prediction | undefined) =>
      answer?.top.find(({ label }) => label === whole?.label)?.probability ?? 0;
    scores.push(
      parts.map(({ word }, at) => ({
        word,
        score: (whole?.confidence ?? 0) - valueOf(answers[at]),
      })),
    );
  }
  return scores;
}

/** A word, and what is left when it is left out. */
interface LeftOut<Left extends StudentText> {
  readonly word: string;
  readonly without: Left;
}

function withoutEach(text: string): LeftOut<string>[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return words.map((word, left) => ({
    word,
    without: words.filter((_, at) => at !== left).join(' '),
  }));
}

function ofPair({ text, textPair }: TextPair): LeftOut<TextPair>[] {
  return [
    ...withoutEach(text).map(({ word, without }) => ({
      word,
      without: { text: without, textPair },
    })),
    ...withoutEach(textPair).map(({ word, without }) => ({
      word,
      without: { text, textPair: without },
    })),
  ];
}
