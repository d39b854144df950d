import { FloatFile, type FloatList } from './int-list.ts';
import type { ListColumn } from './parquet/columns.ts';

/** All lists of a column: row r is `values[offsets[r] .. offsets[r + 1]]`. */
export interface FloatLists<Values> {
  readonly offsets: Int32Array;
  readonly values: Values;
}

/** Values of a column: in memory up to a limit, then in a file. */
export function keptWithin(folder: string) {
  const parts: ListColumn<Float32Array>[] = [];
  let file: FloatFile | undefined;
  let bytes = 0;
  return {
    add(part: ListColumn<Float32Array>, limitBytes: number): void {
      parts.push(part);
      bytes += part.values.byteLength;
      if (bytes <= limitBytes) return;
      file ??= new FloatFile(folder);
      for (const [index, { offsets, values }] of parts.entries()) {
        if (values.length === 0) continue;
        file.append(values);
        parts[index] = { offsets, values: NO_VALUES };
      }
    },
    column(): FloatLists<FloatList> {
      const offsets = joinedOffsets(parts);
      return file === undefined ? { ...joinedFloats(parts), offsets } : { offsets, values: file };
    },
  };
}

/** The lists of all parts, one after the other. */
export function joinedFloats(parts: readonly ListColumn<Float32Array>[]): FloatLists<Float32Array> {
  const values = new Float32Array(parts.reduce((sum, one) => sum + one.values.length, 0));
  let start = 0;
  for (const one of parts) {
    values.set(one.values, start);
    start += one.values.length;
  }
  return { values, offsets: joinedOffsets(parts) };
}

function joinedOffsets(parts: readonly Pick<ListColumn<Float32Array>, 'offsets'>[]): Int32Array {
  const offsets = [0];
  let start = 0;
  for (const one of parts) {
    // Offsets of a row group begin at 0.
    for (const offset of one.offsets.subarray(1)) offsets.push(start + offset);
    start = offsets.at(-1) ?? 0;
  }
  return Int32Array.from(offsets);
}

const NO_VALUES = new Float32Array();
