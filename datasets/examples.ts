import { join } from 'node:path';
import type { StoredExample } from './example.ts';
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

/** What the examples of a folder are known by; their texts stay bytes until somebody asks for one. */
export interface ExampleKeys {
  readonly exampleIds: readonly string[];
  readonly sourceIds: readonly (string | null)[];
  /** Null where the store keeps no texts. */
  textAt(row: number): string | null;
}

/** Reads the keys of what `writeExamples` wrote, in the same order. */
export async function readExampleKeys(folder: string): Promise<ExampleKeys> {
  const groups = await readTable(pathIn(folder), formatOf({ hasTexts: false }), (group) => [
    {
      exampleIds: group.texts('example_id'),
      sourceIds: group.utf8('source_id'),
      texts: group.utf8Bytes('text'),
    },
  ]);
  const firstRows: number[] = [];
  let rowCount = 0;
  for (const { exampleIds } of groups) {
    firstRows.push(rowCount);
    rowCount += exampleIds.length;
  }
  return {
    exampleIds: groups.flatMap((group) => group.exampleIds),
    sourceIds: groups.flatMap((group) => group.sourceIds),
    textAt(row) {
      const index = firstRows.findLastIndex((first) => first <= row);
      const texts = groups[index]?.texts;
      return texts === undefined ? null : textIn(texts, row - (firstRows[index] ?? 0));
    },
  };
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
