import { type DuckDBDataChunk, DuckDBInstance, DuckDBListVector } from '@duckdb/node-api';

/** Streams list columns of a folder's shards through DuckDB and returns how many values came. */
export async function streamWithDuckdb(
  folder: string,
  columns: readonly string[],
): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    const stream = await connection.stream(
      `SELECT * FROM read_parquet('${folder}/part-*.parquet')`,
    );
    const places = columns.map((name) => stream.columnNames().indexOf(name));
    let values = 0;
    for (;;) {
      const chunk = await stream.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return values;
      values += places.reduce((sum, place) => sum + itemsOf(chunk, place), 0);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Values below the lists of a chunk, as the typed array that DuckDB gives without copying. */
function itemsOf(chunk: DuckDBDataChunk, place: number): number {
  const vector = chunk.getColumnVector(place);
  if (!(vector instanceof DuckDBListVector)) throw new Error(`column ${place} holds no lists`);
  const last = vector.itemCount - 1;
  const [start, end] = [
    vector.getEntryOffset(0),
    vector.getEntryOffset(last) + vector.getEntryLength(last),
  ];
  const items: unknown = Reflect.get(vector.childVector, 'items');
  if (items instanceof Float32Array || items instanceof Int32Array) {
    return items.subarray(start, end).length;
  }
  throw new Error(`column ${place} holds lists of something else`);
}
