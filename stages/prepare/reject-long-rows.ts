import { excerptOf, type Reject } from '#datasets/corpus/reject.ts';
import type { TokenisedText } from '#datasets/tokens/long-texts.ts';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { PrepareConfig } from './config.ts';
import type { CorpusContent, SourceRow } from './read-corpus.ts';
import { tokenizerFiles } from './student-tokenizer.ts';

/** Rows that a teacher can read whole, and the others. */
export interface FittingContent {
  readonly content: CorpusContent;
  readonly tooLong: readonly Reject[];
}

/** Leaves out the rows that are too long for the teacher, where that is asked for. */
export async function* rejectLongRows(
  content: CorpusContent,
  { config, files, signal }: StageContext<PrepareConfig>,
): AsyncGenerator<StageEvent, FittingContent, void> {
  if (config.teacherLongTexts !== 'reject') return { content, tooLong: [] };
  const { teacherMaxLength: maxLength } = config;
  const tokenizer = await openTokenizer(tokenizerFiles(files).tokenizer, maxLength, {
    type: 'whole',
  });
  const total = content.rows.length;
  const rows: SourceRow[] = [];
  const tooLong: Reject[] = [];
  for (let from = 0; from < total; from += ROWS_PER_CHUNK) {
    signal.throwIfAborted();
    const chunk = content.rows.slice(from, from + ROWS_PER_CHUNK);
    const encoded = await tokenizer.encode(chunk);
    for (const [index, row] of chunk.entries()) {
      const reject = rejectOf(row, encoded[index], maxLength);
      if (reject === undefined) rows.push(row);
      else tooLong.push(reject);
    }
    yield { type: 'progress', done: from + chunk.length, total, unit: 'rows', detail: 'lengths' };
  }
  yield { type: 'count', name: 'tooLong', value: tooLong.length };
  if (tooLong.length > 0) {
    const share = ((100 * tooLong.length) / total).toFixed(1);
    const message = `${tooLong.length.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows (${share} %) are longer than ${maxLength} tokens and are left out (teacher.longTexts: reject; rejects.jsonl)`;
    yield { type: 'warning', message };
  }
  return { content: { ...content, rows }, tooLong };
}

function rejectOf(
  { file, line, text }: SourceRow,
  tokens: TokenisedText | undefined,
  maxLength: number,
): Reject | undefined {
  const length = tokens?.ids.length ?? 0;
  if (length <= maxLength) return undefined;
  const reason = `${length.toLocaleString('en-US')} tokens, and the teacher reads ${maxLength.toLocaleString('en-US')} (teacher.maxLength)`;
  return { file, line, column: null, code: 'too-long', reason, excerpt: excerptOf(text) };
}

const ROWS_PER_CHUNK = 1000;
