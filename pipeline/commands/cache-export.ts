import { statSync } from 'node:fs';
import { extname } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import { type SqlView, sqlName, withSql } from '#datasets/sql.ts';
import { softLabelViews } from '#pipeline/caches/soft-label-caches.ts';
import { writeAnswer } from '#pipeline/display/answer-formats.ts';
import { EXPORT_FORMATS, type ExportFormat } from '#pipeline/display/format-names.ts';
import { formatBytes } from '#pipeline/observers/progress.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface CacheExportOptions extends ProjectOptions {
  readonly teacher?: string;
  readonly format?: ExportFormat;
  readonly output?: string;
  readonly where?: string;
  readonly columns?: readonly string[];
  readonly spreadsheetSafe: boolean;
}

export class ExportFormatError extends Failure {
  constructor(problem: string) {
    super('usage', 'E_EXPORT_FORMAT', problem, `say --format ${EXPORT_FORMATS.join('|')}`);
  }
}

export class ExportColumnError extends Failure {
  constructor(column: string, columns: readonly string[]) {
    const near = nearestName(column, columns);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    super(
      'usage',
      'E_EXPORT_COLUMN',
      `no column "${column}"${hint}`,
      `columns: ${columns.join(', ')}`,
    );
  }
}

/** `decant cache export`: the soft labels with their texts and gold labels, for other programs. */
export async function cacheExportCommand(options: CacheExportOptions): Promise<number> {
  const format = formatOf(options);
  const views = await softLabelViews(openProject(options), options.teacher);
  const { where } = options;
  const columns = await columnsOf(views, options.columns ?? []);
  // On a line of its own: the condition may end with a comment.
  const condition = where === undefined ? '' : ` WHERE (${where}\n)`;
  const query = `SELECT ${columns} FROM (${EXPORTED})${condition}`;
  await writeAnswer(views, query, { ...options, format, isRepeatable: true });
  const { output } = options;
  if (output !== undefined) {
    process.stderr.write(`wrote ${output}: ${formatBytes(statSync(output).size)}\n`);
  }
  return 0;
}

function formatOf({ format, output }: CacheExportOptions): ExportFormat {
  if (format !== undefined) return format;
  if (output === undefined) throw new ExportFormatError('neither --format nor --output is given');
  const found = EXTENSIONS[extname(output)];
  if (found === undefined) throw new ExportFormatError(`the ending of ${output} says no format`);
  return found;
}

async function columnsOf(views: readonly SqlView[], wanted: readonly string[]): Promise<string> {
  if (wanted.length === 0) return '*';
  const answer = await withSql(views, (session) => session.query(`${EXPORTED} LIMIT 0`));
  const known = answer.columns.map(({ name }) => name);
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new ExportColumnError(unknown, known);
  return wanted.map(sqlName).join(', ');
}

const EXPORTED =
  'SELECT s.*, e.text, e.text_pair FROM soft_labels s JOIN (SELECT example_id, split, text, text_pair FROM examples) e USING (example_id, split)';

const EXTENSIONS: Readonly<Record<string, ExportFormat>> = {
  '.arrow': 'arrow',
  '.feather': 'arrow',
  '.parquet': 'parquet',
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};
