import { querySql, SqlError, type SqlResult } from '#datasets/sql.ts';
import { cacheViews, VIEW_DESCRIPTIONS } from '#pipeline/cache-views.ts';
import { freshArtifacts, openProject, type ProjectOptions } from '#pipeline/project.ts';
import { textTable } from '#pipeline/text-table.ts';

export interface CacheSqlOptions extends ProjectOptions {
  readonly format: 'table' | 'json' | 'csv';
}

/** `decant cache sql`: one SELECT over the views of the fresh artifacts. */
export async function cacheSqlCommand(
  query: string | undefined,
  options: CacheSqlOptions,
): Promise<number> {
  const views = await cacheViews(await freshArtifacts(openProject(options)));
  if (views.length === 0)
    throw new SqlError('the store has no fresh cache yet: run `npx decant run` first');
  if (query === undefined) {
    const rows = views.map(({ name }) => [name, VIEW_DESCRIPTIONS[name] ?? '']);
    process.stdout.write(`${textTable(['view', 'holds'], rows)}\n`);
    return 0;
  }
  process.stdout.write(`${FORMATS[options.format](await querySql(views, query))}\n`);
  return 0;
}

const FORMATS: Readonly<Record<CacheSqlOptions['format'], (result: SqlResult) => string>> = {
  table: ({ columns, rows }) => textTable(columns, rows),
  json: ({ columns, rows }) =>
    JSON.stringify(
      rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))),
    ),
  csv: ({ columns, rows }) =>
    [columns, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n'),
};

/** A cell that a spreadsheet shows and does not run: texts that look like formulas get a leading quote. */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return `${value}`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
