import { Failure } from '#cache/failure.ts';

/** Row numbers by example id: tables are joined by what they are about, never by their order. */
export interface RowIndex {
  /** Row of an example; throws MissingExampleError where the table has none. */
  rowOf(exampleId: string): number;
  find(exampleId: string): number | undefined;
}

/** Two tables that should be about the same examples are not. */
export class MissingExampleError extends Failure {
  constructor(table: string, exampleId: string) {
    super(
      'data',
      'E_ROWS_MISSING',
      `${table}: no row for example ${exampleId}, which stands in another table of the same split`,
      'run the stage that wrote this table again: decant run --force <stage>',
    );
  }
}

/** Index of a table's ids; `table` is its name in messages. */
export function rowIndexOf(exampleIds: readonly string[], table: string): RowIndex {
  const rows = new Map(exampleIds.map((exampleId, row) => [exampleId, row]));
  return {
    find: (exampleId) => rows.get(exampleId),
    rowOf(exampleId) {
      const row = rows.get(exampleId);
      if (row === undefined) throw new MissingExampleError(table, exampleId);
      return row;
    },
  };
}
