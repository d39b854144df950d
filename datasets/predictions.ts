import { join } from 'node:path';
import { type ColumnSpec, fixedWidthList, joinNumbers } from '#datasets/parquet/columns.ts';
import { CorruptParquetError, ParquetValueError } from '#datasets/parquet/errors.ts';
import type { RowGroup } from '#datasets/parquet/row-group.ts';
import type { Split } from './example.ts';
import {
  readGroups,
  splitsOf,
  type TableBlock,
  type TableFormat,
  type TableRows,
  writeBlocks,
  writeTable,
} from './table-file.ts';

/** What a model says about the examples of one split. */
export interface Predictions {
  readonly rowCount: number;
  readonly exampleIds: readonly string[];
  /** Where examples have several answers: which one, such as the number of the word. [rowCount] */
  readonly positions?: Int32Array;
  /** [rowCount] */
  readonly predictedIds: Int32Array;
  /** Probability of the predicted class, 0 to 1. [rowCount] */
  readonly confidence: Float32Array;
  /** [rowCount * classCount] in class order. */
  readonly logits: Float32Array;
}

/** Predictions of a task without one class a row: -1 stands for no class, and the logits say all. */
export function valuePredictions(exampleIds: readonly string[], logits: Float32Array): Predictions {
  const rowCount = exampleIds.length;
  const predictedIds = new Int32Array(rowCount).fill(-1);
  return { rowCount, exampleIds, predictedIds, confidence: new Float32Array(rowCount), logits };
}

/** Writes `<split>.parquet` in the order given. */
export async function writePredictions(
  folder: string,
  split: Split,
  rows: Predictions,
): Promise<void> {
  const hasPositions = rows.positions !== undefined;
  const path = pathIn(folder, split);
  await writeTable(path, formatOf({ hasPositions }), tableOf(path, split, rows));
}

/** The same for rows that come in blocks, so that those of a large split never are in memory together. */
export async function writePredictionBlocks(
  folder: string,
  split: Split,
  options: { readonly hasPositions: boolean },
  blocks: AsyncIterable<Predictions>,
): Promise<void> {
  const path = pathIn(folder, split);
  const asColumns = async function* (): AsyncGenerator<TableBlock> {
    for await (const block of blocks) {
      const table = tableOf(path, split, block);
      yield { rowCount: table.rowCount, columns: table.slice(0, table.rowCount) };
    }
  };
  await writeBlocks(path, formatOf(options), asColumns());
}

/** The rows as columns, after a check that these are equally long. */
function tableOf(path: string, split: Split, rows: Predictions): TableRows {
  const { rowCount } = rows;
  const classCount = rowCount === 0 ? 0 : rows.logits.length / rowCount;
  const { exampleIds, predictedIds, confidence, positions } = rows;
  const columns = [exampleIds, predictedIds, confidence, ...(positions ? [positions] : [])];
  const lengths = columns.map(({ length }) => length);
  if (!Number.isInteger(classCount) || lengths.some((length) => length !== rowCount)) {
    const found = [...lengths, rows.logits.length].join(', ');
    throw new ParquetValueError(path, 'logits', `${rowCount} rows with columns of ${found} values`);
  }
  return {
    rowCount,
    slice: (from, to) => ({
      example_id: rows.exampleIds.slice(from, to),
      split: Array.from({ length: to - from }, () => split),
      ...(positions && { position: positions.subarray(from, to) }),
      predicted_id: rows.predictedIds.subarray(from, to),
      confidence: rows.confidence.subarray(from, to),
      logits: fixedWidthList(
        rows.logits.subarray(from * classCount, to * classCount),
        classCount,
        to - from,
      ),
    }),
  };
}

/** Reads what `writePredictions` wrote, in the same order. */
export async function readPredictions(folder: string, split: Split): Promise<Predictions> {
  const path = pathIn(folder, split);
  const { groups, columns } = await readGroups(path, formatOf({ hasPositions: false }));
  if (groups.some((group) => splitsOf(path, group).some((found) => found !== split))) {
    throw new CorruptParquetError(path, `rows of another split than ${split}`);
  }
  return {
    rowCount: groups.reduce((sum, group) => sum + group.rowCount, 0),
    exampleIds: groups.flatMap((group) => group.texts('example_id')),
    ...(columns.has(POSITION.name) && {
      positions: joinNumbers(
        groups.map((group) => group.int32(POSITION.name)),
        Int32Array,
      ),
    }),
    predictedIds: joinNumbers(
      groups.map((group) => group.int32('predicted_id')),
      Int32Array,
    ),
    confidence: joinNumbers(
      groups.map((group) => group.float('confidence')),
      Float32Array,
    ),
    logits: joinNumbers(evenLists(path, groups), Float32Array),
  };
}

/** The logits of each row group, after a check that all rows have the same number of them. */
function evenLists(path: string, groups: readonly RowGroup[]): Float32Array[] {
  const lists = groups.map((group) => group.listFloat('logits'));
  const classCount = lists[0]?.offsets[1] ?? 0;
  if (lists.some(({ offsets }) => offsets.some((offset, row) => offset !== row * classCount))) {
    throw new CorruptParquetError(path, 'rows have different numbers of logits');
  }
  return lists.map(({ values }) => values);
}

function pathIn(folder: string, split: Split): string {
  return join(folder, `${split}.parquet`);
}

/** A reader asks for what is always there; positions tell by being there. */
function formatOf({ hasPositions }: { readonly hasPositions: boolean }): TableFormat {
  return {
    name: 'predictions',
    formatVersion: 1,
    columns: [
      { name: 'example_id', type: 'utf8' },
      { name: 'split', type: 'utf8' },
      ...(hasPositions ? [POSITION] : []),
      { name: 'predicted_id', type: 'int32' },
      { name: 'confidence', type: 'float' },
      { name: 'logits', type: 'list<float>' },
    ],
  };
}

const POSITION: ColumnSpec = { name: 'position', type: 'int32' };
