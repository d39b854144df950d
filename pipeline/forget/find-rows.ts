import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf, listFiles } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import type { StoredExample } from '#datasets/example.ts';
import { readExamples } from '#datasets/examples.ts';
import { sqlString, withSql } from '#datasets/sql.ts';
import { readViews, VIEWS_FILE } from '#datasets/views.ts';
import type { Asked } from './asked.ts';
import { type ForgottenRow, leakKeyIn } from './forgotten-row.ts';

export interface RowsFound {
  /** Those that were named and those with near-equal texts: to a person they are the same. */
  readonly rows: readonly ForgottenRow[];
  readonly nearEqual: number;
  /** Ids (or conditions) that were asked for and forgotten before. */
  readonly before: number;
}

export class UnknownRowError extends Failure {
  constructor(what: string) {
    super(
      'usage',
      'E_FORGET_UNKNOWN',
      `${what}: the store holds no such row`,
      `look for it: npx decant cache sql "select example_id, source_id, text from examples where text like '%...%'"; of equal texts the store keeps the source id of the first`,
    );
  }
}

/**
 * Finds the rows in all tables of examples of the store, those of older and of interrupted runs too.
 * `forgotten` holds the SHA-256 of all that was forgotten before.
 */
export async function findRows(
  store: string,
  asked: Asked,
  forgotten: ReadonlySet<string>,
): Promise<RowsFound> {
  const all = await exampleTables(store);
  const tables = all.filter((path) => !isOfViews(path));
  const wanted = await matcherOf(tables, asked);
  const named = await rowsWhere(tables, ({ exampleId, sourceId }) => wanted(exampleId, sourceId));
  const before = countBefore(asked, named, forgotten);
  const keys = new Set(named.map(leakKeyIn).filter((key) => key !== null));
  const alike = await rowsWhere(tables, (row) => keys.has(leakKeyIn(row) ?? ''));
  const ids = new Set(named.map(({ exampleId }) => exampleId));
  const others = alike.filter(({ exampleId }) => !ids.has(exampleId));
  const rows = [...named, ...others];
  const views = await viewsOf(all.filter(isOfViews), rows);
  return { rows: [...rows, ...views], nearEqual: others.length, before };
}

/** Views of these rows, and those of other rows that read like one of them. */
async function viewsOf(
  tables: readonly string[],
  rows: readonly ForgottenRow[],
): Promise<ForgottenRow[]> {
  const ids = new Set(rows.map(({ exampleId }) => exampleId));
  const keys = new Set(rows.map(leakKeyIn).filter((key) => key !== null));
  const views = await Promise.all(tables.map((path) => readViews(dirname(path))));
  const made = new Set(views.flat().flatMap(({ exampleId, of }) => (ids.has(of) ? exampleId : [])));
  const found = await rowsWhere(
    tables,
    (row) => made.has(row.exampleId) || keys.has(leakKeyIn(row) ?? ''),
  );
  return found
    .filter(({ exampleId }) => !ids.has(exampleId))
    .map((row) => ({ ...row, isView: true }));
}

async function rowsWhere(
  tables: readonly string[],
  isWanted: (row: StoredExample) => boolean,
): Promise<ForgottenRow[]> {
  const rows = new Map<string, ForgottenRow>();
  for (const path of tables) {
    for (const row of await readExamples(dirname(path))) {
      if (!isWanted(row)) continue;
      // The table of a time when texts were stored knows the text.
      const known = rows.get(row.exampleId);
      if (known !== undefined && (known.text !== null || row.text === null)) continue;
      const { exampleId, sourceId, split, text, textPair } = row;
      rows.set(exampleId, { exampleId, sourceId, split, text, textPair });
    }
  }
  return [...rows.values()];
}

/** Paths of every examples.parquet of the store. */
async function exampleTables(store: string): Promise<string[]> {
  const [made, partials] = [join(store, 'artifacts'), join(store, 'partial')];
  const roots = [
    ...(await foldersOf(made)).filter((folder) => PREPARED.test(folder)),
    ...(await foldersOf(partials)).filter((folder) => PREPARED.test(folder)),
  ];
  const files = await Promise.all(
    roots.filter(existsSync).map(async (root) => {
      const paths = await listFiles(root);
      return paths.map((path) => join(root, path));
    }),
  );
  return files.flat().filter((path) => path.endsWith('/examples.parquet'));
}

function isOfViews(path: string): boolean {
  return existsSync(join(dirname(path), VIEWS_FILE));
}

/** `prepare`, or `prepare@NAME` of a head; of unfinished work with its fingerprint behind. */
const PREPARED = /\/prepare(@[^/]+)?(-[0-9a-f]+)?$/;

async function foldersOf(parent: string): Promise<string[]> {
  return existsSync(parent) ? (await readdir(parent)).map((name) => join(parent, name)) : [];
}

type Matcher = (exampleId: string, sourceId: string | null) => boolean;

async function matcherOf(tables: readonly string[], asked: Asked): Promise<Matcher> {
  if (asked.by === 'ids') {
    const lines = new Set(asked.lines);
    return (exampleId, sourceId) =>
      lines.has(exampleId) || (sourceId !== null && lines.has(sourceId));
  }
  const ids = new Set(await idsWhere(tables, asked.condition));
  return (exampleId) => ids.has(exampleId);
}

async function idsWhere(tables: readonly string[], condition: string): Promise<string[]> {
  if (tables.length === 0) return [];
  const files = tables.map(sqlString).join(', ');
  const view = {
    name: 'examples',
    paths: tables,
    select: `SELECT * FROM read_parquet([${files}], union_by_name = true)`,
  };
  // The line break ends a comment that the condition may end with.
  const query = `SELECT DISTINCT example_id FROM examples WHERE (${condition}\n)`;
  return withSql([view], async (session) => {
    const ids: string[] = [];
    const { batches } = await session.query(query);
    for await (const { columns } of batches) ids.push(...(columns[0] ?? []).map(String));
    return ids;
  });
}

/** Throws for what nobody knows; asking again for what is forgotten already is fine. */
function countBefore(
  asked: Asked,
  found: readonly ForgottenRow[],
  forgotten: ReadonlySet<string>,
): number {
  if (asked.by === 'where') {
    if (found.length > 0) return 0;
    if (forgotten.has(digestOf(asked.condition))) return 1;
    throw new UnknownRowError(`--where "${asked.condition}"`);
  }
  const known = new Set(found.flatMap(({ exampleId, sourceId }) => [exampleId, sourceId ?? '']));
  const missing = asked.lines.filter((line) => !known.has(line));
  const unknown = missing.find((line) => !forgotten.has(digestOf(line)));
  if (unknown !== undefined) throw new UnknownRowError(`${asked.file}: "${unknown}"`);
  return missing.length;
}
