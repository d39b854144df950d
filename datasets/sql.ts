import { DuckDBInstance, StatementType } from '@duckdb/node-api';
import { Failure } from '#cache/failure.ts';

/** A view over Parquet or JSON files for people who ask with SQL. */
export interface SqlView {
  readonly name: string;
  /** `SELECT` that defines it; it may read the files of `paths` and the views before it. */
  readonly select: string;
  /** Absolute paths that it reads: nothing else can be read. */
  readonly paths: readonly string[];
}

export interface SqlResult {
  readonly columns: readonly string[];
  /** Rows of JSON values: numbers, strings, booleans, null, arrays, objects. */
  readonly rows: readonly (readonly unknown[])[];
}

export class SqlError extends Failure {
  constructor(problem: string, options?: ErrorOptions) {
    super(
      'usage',
      'E_SQL',
      problem,
      'ask with one SELECT over the views that `npx decant cache sql` lists',
      options,
    );
  }
}

/**
 * Runs one SELECT over the views with DuckDB. Nothing else can happen: the views' files are the only
 * paths allowed, external access is off, the configuration is locked, and exactly one statement of
 * type SELECT is accepted.
 */
export async function querySql(views: readonly SqlView[], sql: string): Promise<SqlResult> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    const paths = [...new Set(views.flatMap((view) => view.paths))];
    await connection.run(`SET allowed_paths = [${paths.map(sqlString).join(', ')}]`);
    await connection.run('SET enable_external_access = false');
    for (const view of views) await connection.run(`CREATE VIEW ${view.name} AS ${view.select}`);
    await connection.run('SET lock_configuration = true');
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1)
      throw new SqlError(`${statements.count} statements: one is allowed`);
    const statement = await statements.prepare(0);
    if (statement.statementType !== StatementType.SELECT) {
      throw new SqlError(
        `a statement of type ${StatementType[statement.statementType]}: only SELECT is allowed`,
      );
    }
    const reader = await statement.runAndReadAll();
    return {
      columns: reader.columnNames(),
      rows: reader.getRowsJS().map((row) => row.map(toJson)),
    };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new SqlError((error as Error).message.trim(), { cause: error });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** DuckDB's values as JSON ones: whole numbers stay numbers where JavaScript holds them exactly. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint')
    return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, nested]) => [key, toJson(nested)]));
  }
  return value;
}

/** A text as an SQL literal. */
export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
