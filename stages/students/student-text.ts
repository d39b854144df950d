import { Failure } from '#cache/failure.ts';
import type { TokenizerInput } from '#datasets/tokens/tokenizer.ts';

/** Two texts that a student of pairs judges together. */
export interface TextPair {
  readonly text: string;
  readonly textPair: string;
}

/** What a student is asked about: a text, or two of a student of pairs. */
export type StudentText = string | TextPair;

/** A student of pairs was asked about single texts, or one of single texts about pairs. */
class StudentTextError extends Failure {
  constructor(folder: string, index: number, readsPairs: boolean) {
    const [learned, given, right] = readsPairs
      ? ['pairs of texts', 'a single text', '{ text, textPair } for each']
      : ['single texts', 'a pair', 'a string for each'];
    super(
      'usage',
      'E_STUDENT_TEXT',
      `${folder}: this student learned from ${learned}, and texts[${index}] is ${given}`,
      `give it ${right}`,
    );
  }
}

/** What the tokenizer reads of each text; throws E_STUDENT_TEXT where one is not of the student's kind. */
export function tokenizerInputs(
  folder: string,
  readsPairs: boolean,
  texts: readonly StudentText[],
): TokenizerInput[] {
  return texts.map((asked, index) => {
    const input = typeof asked === 'string' ? { text: asked, textPair: null } : asked;
    if ((typeof input.textPair === 'string') !== readsPairs) {
      throw new StudentTextError(folder, index, readsPairs);
    }
    return input;
  });
}
