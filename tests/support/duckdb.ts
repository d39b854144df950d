import { DuckDBInstance } from '@duckdb/node-api';

/** Runs one statement in a fresh DuckDB, as a reader and writer of Parquet that is not ours. */
export async function duckdb(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
