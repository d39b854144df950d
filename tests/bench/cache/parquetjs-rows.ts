import parquetjs, { type FieldDefinition } from 'parquetjs-lite';
import { columnsOf } from '#datasets/soft-labels/soft-label-schema.ts';
import type { CacheData } from './data.ts';
import type { Sample } from './measure.ts';
import { timed } from './measure.ts';

/** Writes the first rows with parquetjs-lite's own `appendRow`, as its documentation shows it. */
export async function appendRows(
  path: string,
  data: CacheData,
  rowCount: number,
  compression: 'UNCOMPRESSED' | 'SNAPPY',
): Promise<Sample> {
  const rows = rowObjects(data, rowCount);
  const fields = columnsOf(data.meta).map(({ name, type, nullable = false }) => [
    name,
    fieldOf(type, nullable, compression),
  ]);
  const schema = new parquetjs.ParquetSchema(Object.fromEntries(fields));
  return timed(async () => {
    const writer = await parquetjs.ParquetWriter.openFile(schema, path, {});
    for (const row of rows) await writer.appendRow(row);
    await writer.close();
  });
}

/** Made before the clock starts. */
function rowObjects({ rows, meta }: CacheData, rowCount: number): Record<string, unknown>[] {
  const width = meta.topK ?? meta.classNames.length;
  const list = (values: Int32Array | Float32Array, row: number) => ({
    list: Array.from(values.subarray(row * width, (row + 1) * width), (element) => ({ element })),
  });
  const flat = (values: readonly Float32Array[], name: string, row: number) =>
    Object.fromEntries(
      values.map((column, at) => [`${name}_t${meta.temperatures[at]}`, column[row]]),
    );
  return Array.from({ length: rowCount }, (_, row) => ({
    example_id: rows.exampleIds[row],
    split: rows.splits[row],
    source_id: rows.sourceIds[row],
    ...(meta.topK === null
      ? { logits: list(rows.logits, row) }
      : { top_ids: list(rows.topIds, row), top_logits: list(rows.topLogits, row) }),
    ...flat(rows.logSumExp, 'log_sum_exp', row),
    ...flat(rows.tailLogMass, 'tail_log_mass', row),
    entropy_nats: rows.entropyNats[row],
  }));
}

function fieldOf(
  type: string,
  optional: boolean,
  compression: 'UNCOMPRESSED' | 'SNAPPY',
): FieldDefinition {
  const flat = (name: string): FieldDefinition => ({
    type: name === 'utf8' ? 'UTF8' : name === 'int32' ? 'INT32' : 'FLOAT',
    optional,
    compression,
  });
  const element = /^list<(.*)>$/.exec(type)?.[1];
  if (element === undefined) return flat(type);
  return { type: 'LIST', fields: { list: { repeated: true, fields: { element: flat(element) } } } };
}
