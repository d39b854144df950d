import { Failure } from '#cache/failure.ts';
import type { RawRow } from './corpus-row.ts';
import { openColumns } from './open-corpus.ts';

/** A label that a person gave to an example in place of the corpus' own. */
export interface Correction {
  readonly exampleId: string;
  readonly label: string;
  /** Name of the file without its folder. */
  readonly file: string;
  readonly line: number;
}

/** All corrections, and how many rows of their files a person has left open. */
export interface Corrections {
  readonly byExample: ReadonlyMap<string, Correction>;
  readonly blank: number;
}

/** A row of a corrections file that cannot be obeyed. */
export class CorrectionError extends Failure {
  constructor(place: { readonly file: string; readonly line: number }, what: string, fix: string) {
    super('data', 'E_CORRECTION', `${place.file} line ${place.line}: ${what}`, fix);
  }
}

/** Reads files with the columns `example_id` and `corrected_label`; other columns are for people. */
export async function readCorrections(paths: readonly string[]): Promise<Corrections> {
  const byExample = new Map<string, Correction>();
  let blank = 0;
  for (const path of paths) {
    for await (const row of correctionsIn(path)) {
      if (row.label === '') blank += 1;
      else addOnce(byExample, row);
    }
  }
  return { byExample, blank };
}

async function* correctionsIn(path: string): AsyncGenerator<Correction, void, void> {
  for await (const found of openColumns(path)) {
    if (!('type' in found)) yield correctionOf(found);
    else if (found.type === 'reject') {
      const fix = 'write the row as `decant labels review` did';
      throw new CorrectionError(found.reject, found.reject.reason, fix);
    }
  }
}

function correctionOf(row: RawRow): Correction {
  const { file, line } = row;
  return {
    exampleId: textIn(row, 'example_id'),
    label: textIn(row, 'corrected_label'),
    file,
    line,
  };
}

/** Text of a column; a number is fine, since classes may be numbers, and null is an empty cell. */
function textIn(row: RawRow, column: string): string {
  const value = Object.hasOwn(row.values, column) ? row.values[column] : undefined;
  if (value === null) return '';
  if (typeof value === 'string' || typeof value === 'number') return String(value).trim();
  const names = Object.keys(row.values).join(', ');
  const fix = 'give the columns example_id and corrected_label, as `decant labels review` does';
  throw new CorrectionError(row, `no text in "${column}" (row has: ${names})`, fix);
}

function addOnce(corrections: Map<string, Correction>, row: Correction): void {
  const earlier = corrections.get(row.exampleId);
  if (earlier !== undefined && earlier.label !== row.label) {
    throw new CorrectionError(
      row,
      `example ${row.exampleId} becomes "${row.label}", but "${earlier.label}" in ${earlier.file} line ${earlier.line}`,
      'decide for one of the two labels',
    );
  }
  corrections.set(row.exampleId, row);
}
