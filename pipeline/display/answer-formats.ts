import { type SqlAnswer, type SqlSession, type SqlView, withSql } from '#datasets/sql.ts';
import { jsonRows } from '#datasets/typed-batch.ts';
import type { AnswerFormat } from './format-names.ts';
import { refuseTerminal, writeChunks, writeWholeFile } from './output.ts';
import { textTable } from './text-table.ts';

export interface AnswerOptions {
  readonly format: AnswerFormat;
  /** File to write; stdout when left out. */
  readonly output?: string;
  /** CSV only: texts that a spreadsheet would run as formulas get a leading quote. */
  readonly spreadsheetSafe: boolean;
  /** The same file every time, at the cost of the second thread. */
  readonly isRepeatable?: boolean;
}

/** Asks one SELECT over the views and writes the answer, streamed in every format but the table. */
export async function writeAnswer(
  views: readonly SqlView[],
  sql: string,
  options: AnswerOptions,
): Promise<void> {
  const { format, output, isRepeatable = false } = options;
  if (format === 'arrow' || format === 'parquet') refuseTerminal(format, output);
  if (format === 'parquet') {
    const write = (path: string) =>
      withSql(views, (session) => session.writeParquet(sql), { output: path, isRepeatable });
    return writeWholeFile(write, output);
  }
  const write = async (session: SqlSession) => {
    const answer = await session.query(sql);
    await writeChunks(chunksOf(answer, format, options), output);
  };
  await withSql(views, write, { isRepeatable });
}

function chunksOf(
  answer: SqlAnswer,
  format: Exclude<AnswerFormat, 'parquet'>,
  { output, spreadsheetSafe }: AnswerOptions,
): AsyncGenerator<string | Uint8Array> {
  switch (format) {
    case 'table':
      return tableChunks(answer);
    case 'json':
      return jsonChunks(answer);
    case 'jsonl':
      return jsonLineChunks(answer);
    case 'csv':
      return csvChunks(answer, spreadsheetSafe);
    case 'arrow':
      // A pipe cannot be read from its end, where a file has its footer.
      return arrowChunks(answer, output === undefined ? 'stream' : 'file');
    default:
      return format satisfies never;
  }
}

/** All rows of an answer as JSON values; for answers that are small. */
export async function allRows(answer: SqlAnswer): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const batch of answer.batches) rows.push(...jsonRows(batch));
  return rows;
}

async function* tableChunks(answer: SqlAnswer) {
  const names = answer.columns.map(({ name }) => name);
  yield `${textTable(names, await allRows(answer))}\n`;
}

async function* jsonChunks(answer: SqlAnswer) {
  let separator = '[';
  for await (const objects of objectBatches(answer)) {
    yield `${separator}${objects.join(',')}`;
    separator = ',';
  }
  yield separator === '[' ? '[]\n' : ']\n';
}

async function* jsonLineChunks(answer: SqlAnswer) {
  for await (const objects of objectBatches(answer)) yield `${objects.join('\n')}\n`;
}

async function* objectBatches({ columns, batches }: SqlAnswer) {
  for await (const batch of batches) {
    yield jsonRows(batch).map((row) =>
      JSON.stringify(Object.fromEntries(columns.map(({ name }, index) => [name, row[index]]))),
    );
  }
}

async function* arrowChunks({ columns, batches }: SqlAnswer, kind: 'stream' | 'file') {
  const { arrowBytes } = await import('#datasets/arrow-stream.ts');
  yield* arrowBytes(columns, batches, kind);
}

async function* csvChunks({ columns, batches }: SqlAnswer, spreadsheetSafe: boolean) {
  const line = (cells: readonly unknown[]) =>
    `${cells.map((cell) => csvCell(cell, spreadsheetSafe)).join(',')}\r\n`;
  yield line(columns.map(({ name }) => name));
  for await (const batch of batches) yield jsonRows(batch).map(line).join('');
}

/** Safe cells are shown by a spreadsheet and not run: what looks like a formula gets a leading quote. */
function csvCell(value: unknown, spreadsheetSafe: boolean): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = spreadsheetSafe && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
