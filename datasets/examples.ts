import { join } from 'node:path';
import type { StoredExample } from './example.ts';
import { type GroupedTable, idsIn, openGroups, type TableGroup } from './grouped-table.ts';
import { openParquet } from './parquet/reader.ts';
import type { TextColumn } from './parquet/row-group.ts';
import { readTable, splitsOf, type TableFormat, valueAt, writeTable } from './table-file.ts';

/** Writes `examples.parquet` in the order given. */
export async function writeExamples(
  folder: string,
  examples: readonly StoredExample[],
): Promise<void> {
  const hasTexts = examples.every(({ text }) => text !== null);
  await writeTable(pathIn(folder), formatOf({ hasTexts }), {
    rowCount: examples.length,
    slice: (from, to) => {
      const part = examples.slice(from, to);
      return {
        example_id: part.map((example) => example.exampleId),
        split: part.map((example) => example.split),
        source_id: part.map((example) => example.sourceId),
        text: part.map((example) => example.text),
        text_pair: part.map((example) => example.textPair),
        weight: part.map((example) => example.weight),
      };
    },
  });
}

/** Reads what `writeExamples` wrote, in the same order. */
export async function readExamples(folder: string): Promise<StoredExample[]> {
  const path = pathIn(folder);
  return readTable(path, formatOf({ hasTexts: false }), (group) => {
    const [splits, sourceIds] = [splitsOf(path, group), group.utf8('source_id')];
    const [texts, textPairs] = [group.utf8('text'), group.utf8('text_pair')];
    const weights = group.int32('weight');
    return group.texts('example_id').map((exampleId, row) => ({
      exampleId,
      split: valueAt(splits, row),
      sourceId: valueAt(sourceIds, row),
      text: valueAt(texts, row),
      textPair: valueAt(textPairs, row),
      weight: valueAt(weights, row),
    }));
  });
}

/** How many examples a folder holds, without a look at them. */
export async function countExamples(folder: string): Promise<number> {
  const file = await openParquet(pathIn(folder));
  try {
    return file.rowCount;
  } finally {
    await file.close();
  }
}

/** What the examples of a row group are known by; they stay bytes until somebody asks for one. */
export interface ExampleKeys extends TableGroup {
  sourceIdAt(row: number): string | null;
  /** Null where the store keeps no texts. */
  textAt(row: number): string | null;
}

/** Opens what `writeExamples` wrote, to be read row group by row group. */
export function openExampleKeys(folder: string): Promise<GroupedTable<ExampleKeys>> {
  return openGroups(pathIn(folder), formatOf({ hasTexts: false }), {
    wants: (name) => ['example_id', 'source_id', 'text'].includes(name),
    decode(group) {
      const [sourceIds, texts] = [group.utf8Bytes('source_id'), group.utf8Bytes('text')];
      return {
        idAt: idsIn(group),
        sourceIdAt: (row) => textIn(sourceIds, row),
        textAt: (row) => textIn(texts, row),
      };
    },
  });
}

function textIn({ bytes, offsets, present }: TextColumn, row: number): string | null {
  return present?.[row] === 0 ? null : bytes.toString('utf8', offsets[row], offsets[row + 1]);
}

/** The example without its texts; what it is known by stays. */
export function withoutTexts(example: StoredExample): StoredExample {
  return { ...example, text: null, textPair: null };
}

function pathIn(folder: string): string {
  return join(folder, 'examples.parquet');
}

/** A reader takes both: a column that may be null allows one that is not. */
function formatOf({ hasTexts }: { readonly hasTexts: boolean }): TableFormat {
  return {
    name: 'examples',
    formatVersion: 1,
    columns: [
      { name: 'example_id', type: 'utf8' },
      { name: 'split', type: 'utf8' },
      { name: 'source_id', type: 'utf8', nullable: true },
      { name: 'text', type: 'utf8', nullable: !hasTexts },
      { name: 'text_pair', type: 'utf8', nullable: true },
      { name: 'weight', type: 'int32' },
    ],
  };
}
