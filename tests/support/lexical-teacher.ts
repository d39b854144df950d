import { wordTokenizer, writeTeacherFolder } from './language-models.ts';
import { fitLexicalModel, type LexicalModel, lexicalGraph } from './lexical-model.ts';

/** A text and what it is to become. */
export interface TextPair {
  readonly text: string;
  readonly target: string;
}

/**
 * Writes an encoder-decoder fitted to pairs (IBM model 1 and bigrams) into a folder that `teacher.model` may
 * name; it knows the words of `all`.
 */
export function writeLexicalTeacher(
  folder: string,
  pairs: readonly TextPair[],
  all: readonly TextPair[],
): { readonly fitted: LexicalModel } {
  const words = [...new Set(all.flatMap(({ text, target }) => wordsOf(`${text} ${target}`)))];
  const tokenizer = wordTokenizer(words);
  const ids = (content: string) => [...wordsOf(content).map((word) => 3 + words.indexOf(word)), 1];
  const size = words.length + 3;
  const fitted = fitLexicalModel(
    pairs.map(({ text, target }) => ({ source: ids(text), target: ids(target) })),
    size,
    0,
  );
  const config = { vocab_size: size, decoder_start_token_id: 0, pad_token_id: 0 };
  writeTeacherFolder(folder, { model: lexicalGraph(fitted), tokenizer, config });
  return { fitted };
}

/** As its tokenizer sees them. */
export function wordsOf(content: string): string[] {
  return content.toLowerCase().split(/\s+/).filter(Boolean);
}
