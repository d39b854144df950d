import { IntFile, type IntList } from '#datasets/int-list.ts';
import { joinLists, joinOffsets, type ListColumn } from '#datasets/parquet/columns.ts';

/** Lists of one column, row group by row group, each with offsets that begin at 0. */
export type ListParts = (take: (part: ListColumn<Int32Array>) => void) => Promise<void>;

/** All lists of a column. */
export interface KeptLists<Ids> {
  readonly offsets: Int32Array;
  readonly values: Ids;
}

/** Keeps all of a column in memory. */
export async function inMemory(eachPart: ListParts): Promise<KeptLists<Int32Array>> {
  const parts: ListColumn<Int32Array>[] = [];
  await eachPart((part) => parts.push(part));
  return joinLists(parts, Int32Array);
}

/** Keeps values of up to `limitBytes` in memory, and puts more than that into a file in `folder`. */
export function within(limitBytes: number, folder: string) {
  return async (eachPart: ListParts): Promise<KeptLists<IntList>> => {
    const parts: ListColumn<Int32Array>[] = [];
    let bytes = 0;
    let file: IntFile | undefined;
    await eachPart((part) => {
      parts.push(part);
      bytes += part.values.byteLength;
      if (bytes <= limitBytes) return;
      file ??= new IntFile(folder);
      for (const [index, { offsets, values }] of parts.entries()) {
        if (values.length === 0) continue;
        file.append(values);
        parts[index] = { offsets, values: NO_VALUES };
      }
    });
    return file === undefined
      ? joinLists(parts, Int32Array)
      : { offsets: joinOffsets(parts), values: file };
  };
}

const NO_VALUES = new Int32Array();
