import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';

/** A table for people: text cells and numbers. */
export interface CsvTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  /** Text cells that a spreadsheet would run as a formula get a quote before them. */
  readonly isSpreadsheetSafe: boolean;
}

/** The file may hold somebody's work. */
export class OutputExistsError extends Failure {
  constructor(path: string) {
    super(
      'usage',
      'E_OUTPUT_EXISTS',
      `${path}: there is such a file, and somebody may have filled it in`,
      'choose another name, or remove it',
    );
  }
}

/** Writes a new file, or stdout where none is named. */
export async function writeCsv(path: string | undefined, table: CsvTable): Promise<void> {
  if (path === undefined) {
    process.stdout.write(csvText(table));
    return;
  }
  requireFree(path);
  await writeFileAtomic(resolve(path), csvText(table));
}

/** Throws where the file is there already: asked before the work, so that it is not done in vain. */
export function requireFree(path: string | undefined): void {
  if (path !== undefined && existsSync(path)) throw new OutputExistsError(path);
}

/** RFC 4180, as our own reader takes it. */
export function csvText({ columns, rows, isSpreadsheetSafe }: CsvTable): string {
  const cellOf = (value: string | number): string => {
    if (typeof value === 'number') return String(value);
    return quoted(isSpreadsheetSafe && FORMULA.test(value) ? `'${value}` : value);
  };
  const lines = [columns.map(quoted), ...rows.map((row) => row.map(cellOf))];
  return lines.map((cells) => `${cells.join(',')}\n`).join('');
}

/** Could a spreadsheet take it for a formula? */
export function looksLikeFormula(text: string): boolean {
  return FORMULA.test(text);
}

/** How a person would write the path of the file into decant.yaml. */
export function nameFor(output: string | undefined): string {
  return output === undefined ? 'the file' : relative(process.cwd(), resolve(output));
}

/** Four digits are enough for people. */
export function rounded(value = 0): number {
  return Number(value.toFixed(4));
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const FORMULA = /^[=+\-@\t\r]/;
