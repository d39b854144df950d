import { type SqlSession, type SqlView, withSql } from '#datasets/sql.ts';
import { jsonRows } from '#datasets/typed-batch.ts';

/** All rows of the answer to one SELECT, as JSON values. */
export async function askSession(session: SqlSession, sql: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const batch of (await session.query(sql)).batches) rows.push(...jsonRows(batch));
  return rows;
}

/** The same over views that are opened for this one question. */
export function askSql(views: readonly SqlView[], sql: string): Promise<unknown[][]> {
  return withSql(views, (session) => askSession(session, sql));
}
