import type { CorpusEntry, CorpusRow } from '#datasets/corpus/corpus-row.ts';
import type { TextTokenizer } from '#datasets/tokens/tokenizer.ts';

/**
 * Running text as rows of whole words that fill `tokenizer.maxLength`, special tokens included: paragraph
 * after paragraph, a blank line between them. Put end to end the rows are the text, so that a token is
 * predicted from as much before it as fits, and next to nothing is padded.
 */
export async function* textBlocks(
  entries: AsyncIterable<CorpusEntry>,
  tokenizer: TextTokenizer,
): AsyncGenerator<CorpusEntry, void, void> {
  const lengthOf = await wordLengths(tokenizer);
  let open: { readonly row: CorpusRow; readonly words: string[]; room: number } | undefined;
  let paragraph = 0;
  for await (const entry of entries) {
    if (entry.type === 'reject') {
      yield entry;
      continue;
    }
    const words = wordsOf(paragraph === 0 ? entry.row.text : `\n\n${entry.row.text}`);
    paragraph += 1;
    const lengths = await lengthOf(words);
    for (const [index, word] of words.entries()) {
      const length = lengths[index] ?? 0;
      if (open !== undefined && length > open.room) {
        yield blockOf(open);
        open = undefined;
      }
      open ??= { row: entry.row, words: [], room: lengthOf.room };
      open.words.push(word);
      open.room -= length;
    }
  }
  if (open !== undefined) yield blockOf(open);
}

function blockOf({ row, words }: { readonly row: CorpusRow; readonly words: readonly string[] }) {
  return { type: 'row', row: { ...row, text: words.join('') } } as const;
}

/** Words with the white space before them; white space at the end belongs to the last one. */
function wordsOf(text: string): string[] {
  return text.match(/\s*\S+(?:\s+$)?/gu) ?? [];
}

/** How many tokens each word takes; a word is looked up once. `room` is what special tokens leave. */
async function wordLengths(tokenizer: TextTokenizer) {
  const known = new Map<string, number>();
  const [empty] = await tokenizer.encode([{ text: '', textPair: null }]);
  const special = empty?.ids.length ?? 0;
  const lengthOf = async (words: readonly string[]): Promise<number[]> => {
    const fresh = [...new Set(words.filter((word) => !known.has(word)))];
    const encoded = await tokenizer.encode(fresh.map((text) => ({ text, textPair: null })));
    for (const [index, word] of fresh.entries()) {
      known.set(word, (encoded[index]?.ids.length ?? 0) - special);
    }
    return words.map((word) => known.get(word) ?? 0);
  };
  return Object.assign(lengthOf, { room: tokenizer.maxLength - special });
}
