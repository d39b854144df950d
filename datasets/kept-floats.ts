import { FloatFile, type FloatList } from './int-list.ts';
import { joinLists, joinOffsets, type ListColumn } from './parquet/columns.ts';

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
      return file === undefined
        ? joinLists(parts, Float32Array)
        : { offsets: joinOffsets(parts), values: file };
    },
  };
}

const NO_VALUES = new Float32Array();
