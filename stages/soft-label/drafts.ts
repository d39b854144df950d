import { Failure } from '#cache/failure.ts';
import { type SoftLabelRows, takeRows } from '#datasets/soft-labels/soft-labels.ts';
import {
  areFinite,
  copyRows,
  emptyColumns,
  type LabelColumns,
  labelledRows,
  perAnswer,
  type RowBlock,
} from './label-columns.ts';
import type { Quarantine } from './quarantine.ts';
import type { SealedPlace, SealedPlaces } from './sealed-places.ts';
import type { SealedRows } from './sealed-rows.ts';
import type { Keep } from './settings.ts';
import type { Shard } from './shards.ts';
import { answerCount, type TeacherRow } from './teacher-rows.ts';

/** What is asked of sealed artifacts. */
export interface SealedSource extends Pick<SealedRows, 'read'> {
  readonly places: Pick<SealedPlaces, 'get' | 'has'>;
}

/** One shard in the making. */
export interface Draft {
  readonly shard: Shard;
  readonly rows: readonly TeacherRow[];
  readonly columns: LabelColumns;
  /** Rows that meet the teacher, by their places in `rows`. */
  readonly fresh: Int32Array;
  /** Where the answers of each row begin in `columns`, and where those of the last one end. */
  readonly starts: Int32Array;
}

/** A shard without answers. */
export function draftOf(
  shard: Shard,
  rows: readonly TeacherRow[],
  { keep, sealed }: { readonly keep: Keep; readonly sealed: SealedSource },
): Draft {
  const starts = new Int32Array(rows.length + 1);
  const fresh: number[] = [];
  for (const [at, row] of rows.entries()) {
    starts[at + 1] = (starts[at] ?? 0) + answerCount(row);
    if (!sealed.places.has(row.exampleId)) fresh.push(at);
  }
  const columns = emptyColumns(starts[rows.length] ?? 0, keep);
  return { shard, rows, columns, fresh: Int32Array.from(fresh), starts };
}

/** The rows at these places. */
export function rowsAt({ rows }: Draft, places: readonly number[]): TeacherRow[] {
  return places.flatMap((place) => rows[place] ?? []);
}

/** Where the answers of a row lie in the columns of its draft. */
function blockOf({ starts }: Draft, place: number): RowBlock {
  const from = starts[place] ?? 0;
  return { from, count: (starts[place + 1] ?? from) - from };
}

/** Those of the rows that must meet the teacher. */
export function freshRows(
  rows: readonly TeacherRow[],
  { places }: Pick<SealedSource, 'places'>,
): TeacherRow[] {
  return rows.filter((row) => !places.has(row.exampleId));
}

/** Keeps what was said of the rows at these places, in this order. */
export function takeAnswer(draft: Draft, places: readonly number[], answer: LabelColumns) {
  let from = 0;
  for (const place of places) {
    const block = blockOf(draft, place);
    copyRows(draft.columns, block.from, answer, { from, count: block.count });
    from += block.count;
  }
}

/** Takes over what is known already and leaves out what is not finite. */
export async function finishDraft(
  draft: Draft,
  job: { readonly sealed: SealedSource; readonly quarantine: Quarantine },
): Promise<{ rows: SoftLabelRows; told: string[] }> {
  const { rows: all, columns, fresh } = draft;
  for (const [at, row] of all.entries()) {
    const place = job.sealed.places.get(row.exampleId);
    if (place !== undefined) {
      await takeOver(columns, { row, block: blockOf(draft, at), place }, job.sealed);
    }
  }
  const told: string[] = [];
  const badExamples = new Set<string>();
  for (const at of fresh) {
    const row = all[at];
    if (row === undefined || areFinite(columns, blockOf(draft, at))) continue;
    told.push(job.quarantine.add(row));
    badExamples.add(row.exampleId);
  }
  const rows = labelledRows(all, columns);
  if (told.length === 0) return { rows, told };
  // Of a text that was read in windows all of them go: the mean of the others would be another text's.
  const isGood = perAnswer(all, (row) => !badExamples.has(row.exampleId));
  const good = isGood.flatMap((isTaken, at) => (isTaken ? [at] : []));
  return { rows: takeRows(rows, good), told };
}

/** An example has not as many rows in a sealed cache as it has answers. */
export class OtherAnswersError extends Failure {
  constructor({ exampleId, split }: TeacherRow, found: number, wanted: number) {
    super(
      'corrupt',
      'E_CACHE_ANSWERS',
      `${split} row ${exampleId}: the sealed cache has ${found} answers, the tokens ask for ${wanted}`,
      'check the cache with decant cache verify, and repair it with --repair',
    );
  }
}

async function takeOver(
  columns: LabelColumns,
  { row, block, place }: { row: TeacherRow; block: RowBlock; place: SealedPlace },
  sealed: Pick<SealedSource, 'read'>,
): Promise<void> {
  const wanted = row.window?.of ?? block.count;
  if (place.count !== wanted) throw new OtherAnswersError(row, place.count, wanted);
  const from = place.from + (row.window?.index ?? 0);
  copyRows(columns, block.from, await sealed.read(place), { from, count: block.count });
}
