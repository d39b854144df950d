import { IdIndex } from './id-index.ts';
import { lastFew } from './last-few.ts';
import { CorruptParquetError } from './parquet/errors.ts';
import type { ParquetFile } from './parquet/reader.ts';
import type { RowGroup } from './parquet/row-group.ts';
import { MissingExampleError } from './row-index.ts';
import { eachGroup, openTable, type TableFormat } from './table-file.ts';

/** What a row group was decoded into: some rows of a table. */
export interface TableGroup {
  /** The example of a row. A string for each of them would outlive the rows that are worked on. */
  idAt(row: number): string;
}

/** Ids of a row group, made when they are asked for. */
export function idsIn(group: RowGroup): TableGroup['idAt'] {
  const { bytes, offsets } = group.utf8Bytes(ID);
  return (row) => bytes.toString('utf8', offsets[row], offsets[row + 1]);
}

/** A row as a place in what its row group was decoded into. */
export interface GroupRow<Group> {
  readonly group: Group;
  readonly row: number;
}

/** A table of which no more than a few row groups are held. */
export interface GroupedTable<Group> {
  readonly path: string;
  readonly rowCount: number;
  readonly metadata: ParquetFile['metadata'];
  readonly columns: ReadonlySet<string>;
  /** Rows `from` to `to` (exclusive). */
  rows(from: number, to: number): Promise<GroupRow<Group>[]>;
  /**
   * The rows of these examples: by `from` where they lie there in this order, as `prepare` writes them, or else by an
   * index of all ids. Throws MissingExampleError where the table has none.
   */
  rowsOf(exampleIds: readonly string[], from: number): Promise<GroupRow<Group>[]>;
}

/**
 * A table that is read row group by row group, each as what `decode` makes of it. The file is opened for each of
 * them anew, so there is nothing to close.
 */
export async function openGroups<Group extends TableGroup>(
  path: string,
  format: TableFormat,
  { wants = () => true, decode }: GroupReader<Group>,
): Promise<GroupedTable<Group>> {
  const file = await openTable(path, format);
  await file.close();
  const { rowCount, metadata } = file;
  const names = file.columns.map(({ name }) => name).filter(wants);
  const starts = startsOf(file.rowGroupSizes);
  const groupAt = lastFew(HELD_GROUPS, async (group: number) =>
    decode(await readGroup(path, format, group, names)),
  );
  const rowsAt = async (rows: readonly number[]): Promise<GroupRow<Group>[]> => {
    const placed: GroupRow<Group>[] = [];
    let index = 0;
    let group: Group | undefined;
    for (const row of rows) {
      if (group === undefined || !isIn(starts, index, row)) {
        index = starts.findLastIndex((start) => start <= row);
        group = await groupAt(index);
      }
      placed.push({ group, row: row - (starts[index] ?? 0) });
    }
    return placed;
  };
  const rows = (from: number, to: number) =>
    rowsAt(Array.from({ length: Math.min(to, rowCount) - from }, (_, row) => from + row));
  let index: Promise<IdIndex> | undefined;
  return {
    path,
    rowCount,
    metadata,
    columns: new Set(file.columns.map(({ name }) => name)),
    rows,
    async rowsOf(exampleIds, from) {
      const inOrder = await rows(from, from + exampleIds.length);
      const isThere = (exampleId: string, at: number) => idOf(inOrder[at]) === exampleId;
      if (exampleIds.every(isThere)) return inOrder;
      index ??= indexOf(path, format);
      const known = await index;
      return rowsAt(
        exampleIds.map((exampleId) => {
          const row = known.find(exampleId);
          if (row === undefined) throw new MissingExampleError(path, exampleId);
          return row;
        }),
      );
    },
  };
}

/** What is read of a row group, and what becomes of it. */
export interface GroupReader<Group> {
  /** Columns that are read; all when left out. */
  readonly wants?: (column: string) => boolean;
  readonly decode: (group: RowGroup) => Group;
}

function idOf(place: GroupRow<TableGroup> | undefined): string | undefined {
  return place?.group.idAt(place.row);
}

function isIn(starts: readonly number[], index: number, row: number): boolean {
  return row >= (starts[index] ?? 0) && row < (starts[index + 1] ?? 0);
}

/** Where each row group begins, and where the last one ends. */
function startsOf(sizes: readonly number[]): number[] {
  const starts = [0];
  for (const size of sizes) starts.push((starts.at(-1) ?? 0) + size);
  return starts;
}

async function readGroup(
  path: string,
  format: TableFormat,
  index: number,
  columns: readonly string[],
): Promise<RowGroup> {
  const file = await openTable(path, format);
  try {
    return await file.readRowGroup(index, columns);
  } finally {
    await file.close();
  }
}

async function indexOf(path: string, format: TableFormat): Promise<IdIndex> {
  const index = new IdIndex();
  const take = (group: RowGroup) => {
    for (const exampleId of group.texts(ID)) {
      const row = index.size;
      if (index.add(exampleId) === row) continue;
      throw new CorruptParquetError(path, `example ${exampleId} stands there twice`);
    }
  };
  await eachGroup(path, format, take, { wants: (name) => name === ID });
  return index;
}

const ID = 'example_id';
/** Groups are mostly asked for in their order, some of them by several at a time. */
const HELD_GROUPS = 2;
