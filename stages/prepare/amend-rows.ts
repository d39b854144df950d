import { basename } from 'node:path';
import { type Corrections, readCorrections } from '#datasets/corpus/corrections.ts';
import { withoutText } from '#datasets/corpus/reject.ts';
import { isForgotten, readTombstones } from '#datasets/tombstones.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { ClassList } from './class-list.ts';
import type { PrepareConfig } from './config.ts';
import { correctRows } from './corrections.ts';
import type { CorpusContent } from './read-corpus.ts';

/**
 * What people have decided about single rows since the corpus was written: forgotten rows are dropped,
 * corrected labels replace those of the corpus, and where texts are not to be stored no reject shows one.
 */
export async function* amendRows(
  content: CorpusContent,
  files: Readonly<Record<string, readonly string[]>>,
  classes: ClassList,
  { storeTexts }: Pick<PrepareConfig, 'storeTexts'>,
): AsyncGenerator<StageEvent, CorpusContent, void> {
  const { tombstones = [], corrections = [] } = files;
  const known = await readTombstones(tombstones[0] ?? '');
  const dropped = new Set(content.rows.filter((row) => isForgotten(known, row)));
  const kept = content.rows.filter((row) => !dropped.has(row));
  if (tombstones.length > 0) yield* tellForgotten(dropped.size);
  const read = await readCorrections(corrections);
  const droppedIds = new Set([...dropped].map(({ exampleId }) => exampleId));
  const byExample = new Map(
    [...read.byExample].filter(
      ([exampleId]) =>
        !droppedIds.has(exampleId) && !isForgotten(known, { exampleId, leakKey: null }),
    ),
  );
  const rows = correctRows(kept, byExample, classes);
  if (corrections.length > 0) yield* tellCorrected({ ...read, byExample }, corrections);
  const rejects = storeTexts === false ? content.rejects.map(withoutText) : content.rejects;
  return { rows, rejects };
}

function* tellForgotten(rows: number): Generator<StageEvent, void, void> {
  yield { type: 'count', name: 'forgotten', value: rows };
  if (rows === 0) return;
  const message = `rows left out because they are to be forgotten (decant forget): ${rows.toLocaleString('en-US')}`;
  yield { type: 'note', message };
}

function* tellCorrected(
  { byExample, blank }: Corrections,
  paths: readonly string[],
): Generator<StageEvent, void, void> {
  yield { type: 'count', name: 'corrected', value: byExample.size };
  const names = paths.map((path) => basename(path)).join(', ');
  const open = blank === 0 ? '' : `; ${blank} of its rows have no corrected_label`;
  yield { type: 'note', message: `labels corrected by ${names}: ${byExample.size}${open}` };
}
