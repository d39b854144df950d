import { IntFile, type IntList } from '#datasets/int-list.ts';
import type { ListColumn } from '#datasets/parquet/columns.ts';

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
  return joinLists(parts);
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
    return file === undefined ? joinLists(parts) : { offsets: joinOffsets(parts), values: file };
  };
}

/** The lists of all parts, one after the other. */
export function joinLists(parts: readonly ListColumn<Int32Array>[]): ListColumn<Int32Array> {
  const values = new Int32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
  let start = 0;
  for (const part of parts) {
    values.set(part.values, start);
    start += part.values.length;
  }
  return { values, offsets: joinOffsets(parts) };
}

function joinOffsets(parts: readonly Pick<ListColumn<Int32Array>, 'offsets'>[]): Int32Array {
  const offsets = new Int32Array(parts.reduce((sum, part) => sum + part.offsets.length - 1, 1));
  let [row, start] = [0, 0];
  for (const part of parts) {
    offsets.set(
      part.offsets.map((offset) => offset + start),
      row,
    );
    row += part.offsets.length - 1;
    start += part.offsets.at(-1) ?? 0;
  }
  return offsets;
}

const NO_VALUES = new Int32Array();
