import { join } from 'node:path';
import { readTable, type TableFormat, valueAt, writeTable } from './table-file.ts';

/** That a text is a changed form of a train row's; both stand in tables of examples under their ids. */
export interface View {
  /** Of the changed text. */
  readonly exampleId: string;
  /** Of the train row that it was made from. */
  readonly of: string;
  /** Which of the augmentations made it, from 1. */
  readonly view: number;
}

/** Writes `views.parquet` in the order given. */
export async function writeViews(folder: string, views: readonly View[]): Promise<void> {
  await writeTable(pathIn(folder), FORMAT, {
    rowCount: views.length,
    slice: (from, to) => {
      const part = views.slice(from, to);
      return {
        example_id: part.map(({ exampleId }) => exampleId),
        of: part.map(({ of }) => of),
        view: Int32Array.from(part, ({ view }) => view),
      };
    },
  });
}

/** Reads what `writeViews` wrote, in the same order. */
export async function readViews(folder: string): Promise<View[]> {
  return readTable(pathIn(folder), FORMAT, (group) => {
    const [originals, views] = [group.texts('of'), group.int32('view')];
    return group.texts('example_id').map((exampleId, row) => ({
      exampleId,
      of: valueAt(originals, row),
      view: valueAt(views, row),
    }));
  });
}

function pathIn(folder: string): string {
  return join(folder, VIEWS_FILE);
}

export const VIEWS_FILE = 'views.parquet';

const FORMAT: TableFormat = {
  name: 'views',
  formatVersion: 1,
  columns: [
    { name: 'example_id', type: 'utf8' },
    { name: 'of', type: 'utf8' },
    { name: 'view', type: 'int32' },
  ],
};
