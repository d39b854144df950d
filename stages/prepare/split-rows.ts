import { createHash } from 'node:crypto';
import { labelsOf } from '#datasets/corpus/corpus-row.ts';
import { excerptOf, type Reject } from '#datasets/corpus/reject.ts';
import type { SourceRow } from './read-corpus.ts';

/**
 * Moves a share of the train rows into validation: of the labelled ones, where nothing else is said. A row is chosen by its own content alone, so that
 * a growing corpus moves none; by its leak key and not by its id, so that near-equal rows stay on one side
 * and do not have to be dropped as leaks.
 */
export function takeValidation(
  rows: readonly SourceRow[],
  fraction: number,
  seed: number,
  isCandidate = (row: SourceRow) => labelsOf(row).length > 0,
): SourceRow[] {
  return rows.map((row) => {
    const chosen =
      row.split === 'train' && isCandidate(row) && shareOf(row.leakKey, seed) < fraction;
    return chosen ? { ...row, split: 'validation' } : row;
  });
}

/**
 * Drops train rows that also stand in validation or test, and validation rows that also stand in test.
 * `near` looks at leak keys, `exact` at the texts as they are.
 */
export function dropLeaks(
  rows: readonly SourceRow[],
  rule: 'near' | 'exact' = 'near',
): { rows: SourceRow[]; leaks: Reject[] } {
  const keyOf: KeyOf = (row) => (rule === 'near' ? row.leakKey : row.exampleId);
  const inTest = firstByKey(
    rows.filter((row) => row.split === 'test'),
    keyOf,
  );
  const inValidation = firstByKey(
    rows.filter((row) => row.split === 'validation'),
    keyOf,
  );
  const kept: SourceRow[] = [];
  const leaks: Reject[] = [];
  for (const row of rows) {
    const twin = twinOf(row, keyOf(row), inTest, inValidation);
    if (twin === undefined) kept.push(row);
    else leaks.push(leakOf(row, twin));
  }
  return { rows: kept, leaks };
}

/** A number in [0, 1) that depends on the seed and the text only. */
function shareOf(key: string, seed: number): number {
  const digest = createHash('sha256').update(`${seed}\u0000${key}`, 'utf8').digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

type KeyOf = (row: SourceRow) => string;

function firstByKey(rows: readonly SourceRow[], keyOf: KeyOf): Map<string, SourceRow> {
  const first = new Map<string, SourceRow>();
  for (const row of rows) if (!first.has(keyOf(row))) first.set(keyOf(row), row);
  return first;
}

function twinOf(
  row: SourceRow,
  key: string,
  inTest: ReadonlyMap<string, SourceRow>,
  inValidation: ReadonlyMap<string, SourceRow>,
): SourceRow | undefined {
  switch (row.split) {
    case 'train':
      return inTest.get(key) ?? inValidation.get(key);
    case 'validation':
      return inTest.get(key);
    case 'test':
      return undefined;
    default:
      return row.split satisfies never;
  }
}

function leakOf(row: SourceRow, twin: SourceRow): Reject {
  return {
    file: row.file,
    line: row.line,
    column: null,
    code: 'leak',
    reason: `${row.split} row that also stands in ${twin.split}: ${twin.file} line ${twin.line}`,
    excerpt: excerptOf(row.text),
  };
}
