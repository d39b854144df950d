import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import type { ParquetCodec } from '#datasets/parquet/codec.ts';
import { openParquet } from '#datasets/parquet/reader.ts';
import { isSplit } from './example.ts';
import { exampleStarts } from './example-blocks.ts';
import { readExamples, writeExamples } from './examples.ts';
import { readFeatures, takeFeatures, writeFeatures } from './features.ts';
import { readHardLabels, writeHardLabels } from './hard-labels.ts';
import { readLabels, writeLabels } from './labels.ts';
import { readSliceValues, writeSliceValues } from './metrics/slice-values.ts';
import { type Predictions, readPredictions, writePredictions } from './predictions.ts';
import { readProbe, writeProbe } from './probe.ts';
import {
  concatRows,
  openSoftLabels,
  type SoftLabelReader,
  type SoftLabelRows,
  takeRows,
  writeSoftLabelShard,
} from './soft-labels/soft-labels.ts';
import { readTargets, writeTargets } from './targets.ts';
import { takeTokens } from './tokens/take-tokens.ts';
import { readTokenLabels, writeTokenLabels } from './tokens/token-labels.ts';
import { readTokens, type TokenTable, writeTokens } from './tokens/tokens.ts';
import { readViews, writeViews } from './views.ts';

/** How soft labels are cut into files: as the stage would have done without the rows. */
export interface ShardLayout {
  readonly shardRows: number;
  readonly codec: ParquetCodec;
}

/** A file with example ids that this version cannot rewrite. */
export class UnknownTableError extends Failure {
  constructor(path: string, format: string | undefined) {
    super(
      'data',
      'E_REMOVE_ROWS',
      `${path}: rows cannot be taken out of a table of format ${format ?? 'unknown'}`,
      'remove the folder of its artifact, then run the same command again',
    );
  }
}

type IdSet = ReadonlySet<string>;

/** How many rows of a file belong to these examples; 0 for a file that holds no examples. */
export async function countRowsOf(path: string, exampleIds: IdSet): Promise<number> {
  if (basename(path) === PROBE) {
    const inputs = await readProbe(dirname(path));
    return inputs.filter(({ exampleId }) => exampleIds.has(exampleId)).length;
  }
  if (!path.endsWith('.parquet')) return 0;
  const file = await openParquet(path);
  try {
    if (!file.columns.some(({ name }) => name === ID)) return 0;
    let count = 0;
    for (let index = 0; index < file.rowGroupCount; index++) {
      const group = await file.readRowGroup(index, [ID]);
      count += group.texts(ID).filter((exampleId) => exampleIds.has(exampleId)).length;
    }
    return count;
  } finally {
    await file.close();
  }
}

/** Writes these files anew (atomic) without the rows of these examples. */
export async function removeRows(
  paths: readonly string[],
  exampleIds: IdSet,
  layout: ShardLayout,
): Promise<void> {
  const shardFolders = new Set<string>();
  for (const path of paths) {
    const format = basename(path) === PROBE ? PROBE : await formatOf(path);
    if (format === 'soft-labels') shardFolders.add(dirname(path));
    else await removerOf(path, format)(path, exampleIds);
  }
  // All files of a folder, also those without such a row: the rows behind a gap move up.
  for (const folder of shardFolders) await removeFromShards(folder, exampleIds, layout);
}

async function formatOf(path: string): Promise<string | undefined> {
  const file = await openParquet(path);
  await file.close();
  return file.metadata['decant.format'];
}

function removerOf(path: string, format: string | undefined) {
  const remover = format === undefined ? undefined : removers[format];
  if (remover === undefined) throw new UnknownTableError(path, format);
  return remover;
}

async function removeFromShards(
  folder: string,
  exampleIds: IdSet,
  { shardRows, codec }: ShardLayout,
): Promise<void> {
  const reader = await openSoftLabels(folder);
  const written = new Set<string>();
  try {
    for await (const rows of recut(reader, exampleIds, shardRows)) {
      const name = `part-${String(written.size).padStart(5, '0')}.parquet`;
      // The reader holds the old files open, so a new one may take the name of one that is still read.
      await writeSoftLabelShard(join(folder, name), rows, reader.meta, codec);
      written.add(name);
    }
  } finally {
    await reader.close();
  }
  for (const path of reader.shards) if (!written.has(basename(path))) await rm(path);
}

/** The remaining rows in their order, so many examples a file; one file without rows where none remains. */
async function* recut(
  reader: SoftLabelReader,
  exampleIds: IdSet,
  shardRows: number,
): AsyncGenerator<SoftLabelRows, void, void> {
  let open: SoftLabelRows | undefined;
  let count = 0;
  for await (const rows of reader.rows()) {
    const kept = takeRows(rows, rowsWithout(rows.exampleIds, exampleIds));
    open = open === undefined ? kept : concatRows([open, kept]);
    // The last example may have more rows in the next row group.
    for (;;) {
      const end = exampleStarts(open.exampleIds).at(shardRows) ?? open.rowCount;
      if (end >= open.rowCount) break;
      yield takeRows(open, range(0, end));
      count += 1;
      open = takeRows(open, range(end, open.rowCount));
    }
  }
  open ??= await reader.readShard(0);
  if (open.rowCount > 0 || count === 0) yield open;
}

function tokensWithout(table: TokenTable, exampleIds: IdSet): TokenTable {
  return takeTokens(table, rowsWithout(table.exampleIds, exampleIds));
}

function predictionsWithout(rows: Predictions, exampleIds: IdSet): Predictions {
  const kept = rowsWithout(rows.exampleIds, exampleIds);
  const classCount = rows.rowCount === 0 ? 0 : rows.logits.length / rows.rowCount;
  const logits = new Float32Array(kept.length * classCount);
  kept.forEach((row, target) => {
    logits.set(rows.logits.subarray(row * classCount, (row + 1) * classCount), target * classCount);
  });
  return {
    rowCount: kept.length,
    exampleIds: rows.exampleIds.filter((exampleId) => !exampleIds.has(exampleId)),
    ...(rows.positions && {
      positions: Int32Array.from(kept, (row) => at(rows.positions ?? [], row)),
    }),
    predictedIds: Int32Array.from(kept, (row) => at(rows.predictedIds, row)),
    confidence: Float32Array.from(kept, (row) => at(rows.confidence, row)),
    logits,
  };
}

function rowsWithout(ids: readonly string[], exampleIds: IdSet): number[] {
  return [...ids.keys()].filter((row) => !exampleIds.has(ids[row] ?? ''));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index} of ${values.length}`);
  return value;
}

/** Removes rows of a table that has one file to itself, with the table's own reader and writer. */
function filtered<Row extends { readonly exampleId: string }>(
  read: (folder: string) => Promise<Row[]>,
  write: (folder: string, rows: readonly Row[]) => Promise<void>,
) {
  return async (path: string, exampleIds: IdSet): Promise<void> => {
    const folder = dirname(path);
    const rows = await read(folder);
    await write(
      folder,
      rows.filter(({ exampleId }) => !exampleIds.has(exampleId)),
    );
  };
}

const ID = 'example_id';
const PROBE = 'probe.json';

/** By the name of the format in the footer. */
const removers: Readonly<Record<string, (path: string, exampleIds: IdSet) => Promise<void>>> = {
  examples: filtered(readExamples, writeExamples),
  views: filtered(readViews, writeViews),
  labels: filtered(readLabels, writeLabels),
  targets: filtered(readTargets, writeTargets),
  features: async (path, exampleIds) => {
    const folder = dirname(path);
    const table = await readFeatures(folder);
    const kept = [...table.exampleIds.keys()].filter(
      (row) => !exampleIds.has(table.exampleIds[row] ?? ''),
    );
    await writeFeatures(folder, takeFeatures(table, kept));
  },
  'token-labels': filtered(readTokenLabels, writeTokenLabels),
  'slice-values': filtered(readSliceValues, writeSliceValues),
  'hard-labels': filtered(readHardLabels, writeHardLabels),
  [PROBE]: filtered(readProbe, writeProbe),
  tokens: async (path, exampleIds) => {
    const folder = dirname(path);
    await writeTokens(folder, tokensWithout(await readTokens(folder), exampleIds));
  },
  predictions: async (path, exampleIds) => {
    const split = basename(path, '.parquet');
    if (!isSplit(split)) throw new UnknownTableError(path, 'predictions');
    const folder = dirname(path);
    const kept = predictionsWithout(await readPredictions(folder, split), exampleIds);
    await writePredictions(folder, split, kept);
  },
};
