import type { Split } from '#datasets/example.ts';
import { type SqlView, withSql } from '#datasets/sql.ts';
import { softLabelViews } from '#pipeline/caches/soft-label-caches.ts';
import { allRows, writeAnswer } from '#pipeline/display/answer-formats.ts';
import type { AnswerFormat } from '#pipeline/display/format-names.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface CacheHeadOptions extends ProjectOptions {
  readonly teacher?: string;
  readonly rows: number;
  readonly split: Split;
  readonly top: number;
  readonly format: Extract<AnswerFormat, 'table' | 'json' | 'jsonl' | 'csv'>;
}

/** `decant cache head`: the first rows of a split with text, gold label and what the teacher says. */
export async function cacheHeadCommand(options: CacheHeadOptions): Promise<number> {
  const { format } = options;
  const views = await softLabelViews(openProject(options), options.teacher);
  const hasPositions = await isPerToken(views);
  const query = headQuery(options, hasPositions);
  if (format !== 'table') {
    await writeAnswer(views, query, { format, spreadsheetSafe: true });
    return 0;
  }
  const rows = await withSql(views, async (session) => allRows(await session.query(query)));
  process.stdout.write(
    `${hasPositions ? tokenTable(rows) : textTable(COLUMNS, rows.map(cellsOf))}\n`,
  );
  return 0;
}

async function isPerToken(views: readonly SqlView[]): Promise<boolean> {
  return withSql(views, async (session) => {
    const { columns } = await session.query('SELECT * FROM soft_labels LIMIT 0');
    return columns.some(({ name }) => name === 'position');
  });
}

/** Rows in the order of the corpus, of words or tokens in that of their text. */
function headQuery({ rows, split, top }: CacheHeadOptions, hasPositions: boolean): string {
  return `
    SELECT e.text, s.gold_label, s.top_names[:${top}] AS top_names, s.top_probs[:${top}] AS top_probs,
           s.entropy_nats, s.kept_mass, s.example_id${hasPositions ? ', s.position' : ''}
    FROM (SELECT *, row_number() OVER () AS place FROM examples WHERE split = '${split}' LIMIT ${rows}) e
    JOIN soft_labels s USING (example_id, split)
    ORDER BY e.place${hasPositions ? `, s.position LIMIT ${rows}` : ''}`;
}

/** A text is told once, and where in it each row is. */
function tokenTable(rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row, index) => {
    const [text, ...others] = cellsOf(row);
    const [exampleId, position] = row.slice(6);
    return [exampleId === rows[index - 1]?.[6] ? '' : text, position, ...others];
  });
  const [text = '', ...others] = COLUMNS;
  return textTable([text, 'at', ...others], cells);
}

function cellsOf([text, gold, names, probs, entropy, kept]: readonly unknown[]): unknown[] {
  const probabilities = listOf(probs);
  const says = listOf(names).map((name, rank) => `${String(name)} ${fixed(probabilities[rank])}`);
  return [
    typeof text === 'string' ? shortened(text) : '(not stored)',
    gold ?? '-',
    says.join(', '),
    fixed(entropy),
    fixed(kept),
  ];
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function fixed(value: unknown): string {
  return typeof value === 'number' ? value.toFixed(3) : '-';
}

function shortened(text: string): string {
  const characters = Array.from(text);
  return characters.length <= TEXT_WIDTH
    ? text
    : `${characters.slice(0, TEXT_WIDTH - 3).join('')}...`;
}

const COLUMNS = ['text', 'gold', 'the teacher says', 'entropy', 'kept'];
const TEXT_WIDTH = 60;
