import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  type DuckDBType,
  DuckDBTypeId,
  JSDuckDBValueConverter,
  StatementType,
} from '@duckdb/node-api';
import { Failure } from '#cache/failure.ts';
import type { TypedBatch, TypedColumn, ValueType } from './typed-batch.ts';

/** A view over Parquet or JSON files for people who ask with SQL. */
export interface SqlView {
  readonly name: string;
  /** `SELECT` that defines it; it may read the files of `paths` and the views before it. */
  readonly select: string;
  /** Absolute paths that it reads: nothing else can be read. */
  readonly paths: readonly string[];
}

/** The answer to one SELECT, read while it is computed. */
export interface SqlAnswer {
  readonly columns: readonly TypedColumn[];
  /** All rows, some 2,000 at a time; can be read once. */
  readonly batches: AsyncIterable<TypedBatch>;
}

export interface SqlSession {
  /** Answers exactly one statement of type SELECT; anything else is refused. */
  query(sql: string): Promise<SqlAnswer>;
  /** Writes the answer to the session's output file, as zstd Parquet. */
  writeParquet(sql: string): Promise<void>;
}

export interface SqlOptions {
  /** The only file that can be written, by `writeParquet`. */
  readonly output?: string;
  /** Equal queries give equal rows in equal order, also without ORDER BY. */
  readonly isRepeatable?: boolean;
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
 * Opens DuckDB over the views for the time of `work`. Nothing else can happen: the views' files, and
 * `output` where it is given, are the only paths allowed, external access is off, the configuration is
 * locked, and exactly one statement of type SELECT is accepted at a time.
 */
export async function withSql<T>(
  views: readonly SqlView[],
  work: (session: SqlSession) => Promise<T>,
  options: SqlOptions = {},
): Promise<T> {
  // Of two threads any may be first.
  const threads = options.isRepeatable === true ? '1' : '2';
  const instance = await DuckDBInstance.create(':memory:', { threads });
  const connection = await instance.connect();
  try {
    await explained(() => lock(connection, views, options.output));
    return await work({
      query: (sql) => explained(() => query(connection, sql)),
      writeParquet: (sql) => explained(() => writeParquet(connection, sql, options.output)),
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function lock(
  connection: DuckDBConnection,
  views: readonly SqlView[],
  output: string | undefined,
): Promise<void> {
  const paths = new Set([...views.flatMap((view) => view.paths), ...(output ? [output] : [])]);
  await connection.run(`SET allowed_paths = [${[...paths].map(sqlString).join(', ')}]`);
  await connection.run('SET enable_external_access = false');
  for (const view of views)
    await connection.run(`CREATE VIEW ${sqlName(view.name)} AS ${view.select}`);
  await connection.run('SET lock_configuration = true');
}

async function query(connection: DuckDBConnection, sql: string): Promise<SqlAnswer> {
  const statement = await onlyStatement(connection, sql, StatementType.SELECT);
  const result = await statement.stream();
  const types = result.columnTypes();
  const names = result.deduplicatedColumnNames();
  return {
    columns: names.map((name, index) => ({ name, type: valueType(types[index]) })),
    batches: batchesOf(result),
  };
}

async function* batchesOf(result: DuckDBResult): AsyncGenerator<TypedBatch> {
  for (;;) {
    const chunk = await explained(() => result.fetchChunk());
    if (chunk === null || chunk.rowCount === 0) return;
    yield { rowCount: chunk.rowCount, columns: chunk.convertColumns(JSDuckDBValueConverter) };
  }
}

async function writeParquet(
  connection: DuckDBConnection,
  sql: string,
  output: string | undefined,
): Promise<void> {
  if (output === undefined) throw new Error('the session was opened without an output file');
  // Alone it must be a SELECT; only then it is put into a statement that writes.
  await onlyStatement(connection, sql, StatementType.SELECT);
  // On a line of its own: the query may end with a comment.
  const query = sql.replace(/[;\s]+$/, '');
  const copy = `COPY (${query}\n) TO ${sqlString(output)} (FORMAT parquet, COMPRESSION zstd)`;
  await (await onlyStatement(connection, copy, StatementType.COPY)).run();
}

async function onlyStatement(
  connection: DuckDBConnection,
  sql: string,
  type: StatementType,
): Promise<DuckDBPreparedStatement> {
  const text = sql.replace(LEADING_COMMENTS, '');
  if (text === '') throw new SqlError('no statement');
  // DuckDB turns some of them into a SELECT before it tells their type.
  if (/^pragma\b/i.test(text)) throw new SqlError('a PRAGMA: only SELECT is allowed');
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1) throw new SqlError(`${statements.count} statements: one is allowed`);
  const statement = await statements.prepare(0);
  if (statement.statementType !== type) {
    const found = StatementType[statement.statementType];
    throw new SqlError(`a statement of type ${found}: only ${StatementType[type]} is allowed`);
  }
  return statement;
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new SqlError((error as Error).message.trim(), { cause: error });
  }
}

/** As DuckDB's own Parquet writer has it: decimals and whole numbers of 128 bits become doubles. */
function valueType(type: DuckDBType | undefined): ValueType {
  if (type !== undefined && 'valueType' in type) return { list: valueType(type.valueType) };
  return FLAT_TYPES.get(type?.typeId) ?? { unknown: String(type) };
}

const LEADING_COMMENTS = /^(\s+|--[^\n]*(\n|$)|\/\*[^]*?\*\/)*/;

const FLAT_TYPES: ReadonlyMap<DuckDBTypeId | undefined, ValueType> = new Map([
  [DuckDBTypeId.BOOLEAN, 'boolean'],
  [DuckDBTypeId.TINYINT, 'int8'],
  [DuckDBTypeId.SMALLINT, 'int16'],
  [DuckDBTypeId.INTEGER, 'int32'],
  [DuckDBTypeId.BIGINT, 'int64'],
  [DuckDBTypeId.UTINYINT, 'uint8'],
  [DuckDBTypeId.USMALLINT, 'uint16'],
  [DuckDBTypeId.UINTEGER, 'uint32'],
  [DuckDBTypeId.UBIGINT, 'uint64'],
  [DuckDBTypeId.HUGEINT, 'double'],
  [DuckDBTypeId.DECIMAL, 'double'],
  [DuckDBTypeId.FLOAT, 'float'],
  [DuckDBTypeId.DOUBLE, 'double'],
  [DuckDBTypeId.VARCHAR, 'utf8'],
  [DuckDBTypeId.SQLNULL, 'utf8'],
]);

/** A `FROM` over Parquet files with equal columns. */
export function parquetFiles(paths: readonly string[]): string {
  return `read_parquet([${paths.map(sqlString).join(', ')}])`;
}

/** A text as an SQL literal. */
export function sqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name of a column or view as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
