import { join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import type { ColumnSpec } from '#datasets/parquet/columns.ts';
import type { Split } from './example.ts';
import { readGroups, splitsOf, type TableFormat, valueAt, writeTable } from './table-file.ts';

/** A label that relabelling gave to an example, with what it replaces and why. */
export interface HardLabel {
  readonly exampleId: string;
  /** Never `test`: relabelling must not touch the split that measures. */
  readonly split: Split;
  /** The corpus' own label, where there was one. */
  readonly oldLabel: string | null;
  readonly oldLabelId: number | null;
  readonly newLabel: string;
  readonly newLabelId: number;
  readonly reason: string;
  /** Calibrated probability of the new label, 0 to 1, by each witness alone. */
  readonly teacherConfidence: number;
  readonly studentConfidence: number;
  /** The calibrated confidence that decided; null: nothing did, or the file is from before it was kept. */
  readonly confidence: number | null;
  /** Fold that the student had left out when it was asked; null: it had learned from this row. */
  readonly fold: number | null;
}

/** A hard label for a test example. */
export class TestSplitError extends Failure {
  constructor(path: string, exampleId: string) {
    const message = `${path}: example ${exampleId} is a test example and must keep its label`;
    super('data', 'E_TEST_SPLIT', message, 'relabel train and validation rows only');
  }
}

/** Writes `hard-labels.parquet` in the order given; refuses test examples. */
export async function writeHardLabels(folder: string, rows: readonly HardLabel[]): Promise<void> {
  const path = pathIn(folder);
  refuseTest(path, rows);
  const hasFolds = rows.some(({ fold }) => fold !== null);
  const isDecided = rows.some(({ confidence }) => confidence !== null);
  await writeTable(path, formatOf({ hasFolds, isDecided }), {
    rowCount: rows.length,
    slice: (from, to) => {
      const part = rows.slice(from, to);
      return {
        example_id: part.map((row) => row.exampleId),
        split: part.map((row) => row.split),
        old_label: part.map((row) => row.oldLabel),
        old_label_id: part.map((row) => row.oldLabelId),
        new_label: part.map((row) => row.newLabel),
        new_label_id: part.map((row) => row.newLabelId),
        reason: part.map((row) => row.reason),
        teacher_confidence: part.map((row) => row.teacherConfidence),
        student_confidence: part.map((row) => row.studentConfidence),
        ...(hasFolds && { fold: part.map((row) => row.fold) }),
        ...(isDecided && { confidence: part.map((row) => row.confidence) }),
      };
    },
  });
}

/** Reads what `writeHardLabels` wrote, in the same order; refuses test examples. */
export async function readHardLabels(folder: string): Promise<HardLabel[]> {
  const path = pathIn(folder);
  const { groups, columns } = await readGroups(
    path,
    formatOf({ hasFolds: false, isDecided: false }),
  );
  const rows = groups.flatMap((group) => {
    const folds = columns.has(FOLD.name) ? group.numbers(FOLD.name) : [];
    const decided = columns.has(DECIDED.name) ? group.numbers(DECIDED.name) : [];
    const [splits, reasons] = [splitsOf(path, group), group.texts('reason')];
    const [oldLabels, oldLabelIds] = [group.utf8('old_label'), group.numbers('old_label_id')];
    const [newLabels, newLabelIds] = [group.texts('new_label'), group.int32('new_label_id')];
    const [teacher, student] = [
      group.float('teacher_confidence'),
      group.float('student_confidence'),
    ];
    return group.texts('example_id').map((exampleId, row) => ({
      exampleId,
      split: valueAt(splits, row),
      oldLabel: valueAt(oldLabels, row),
      oldLabelId: valueAt(oldLabelIds, row),
      newLabel: valueAt(newLabels, row),
      newLabelId: valueAt(newLabelIds, row),
      reason: valueAt(reasons, row),
      teacherConfidence: valueAt(teacher, row),
      studentConfidence: valueAt(student, row),
      confidence: decided[row] ?? null,
      fold: folds[row] ?? null,
    }));
  });
  refuseTest(path, rows);
  return rows;
}

function refuseTest(path: string, rows: readonly HardLabel[]): void {
  const test = rows.find((row) => row.split === 'test');
  if (test !== undefined) throw new TestSplitError(path, test.exampleId);
}

function pathIn(folder: string): string {
  return join(folder, 'hard-labels.parquet');
}

/** Labels that no left-out student has vouched for have no column of folds, random ones none of what decided. */
function formatOf({
  hasFolds,
  isDecided,
}: {
  readonly hasFolds: boolean;
  readonly isDecided: boolean;
}): TableFormat {
  return {
    name: 'hard-labels',
    formatVersion: 1,
    columns: [
      { name: 'example_id', type: 'utf8' },
      { name: 'split', type: 'utf8' },
      { name: 'old_label', type: 'utf8', nullable: true },
      { name: 'old_label_id', type: 'int32', nullable: true },
      { name: 'new_label', type: 'utf8' },
      { name: 'new_label_id', type: 'int32' },
      { name: 'reason', type: 'utf8' },
      { name: 'teacher_confidence', type: 'float' },
      { name: 'student_confidence', type: 'float' },
      ...(hasFolds ? [FOLD] : []),
      ...(isDecided ? [DECIDED] : []),
    ],
  };
}

const FOLD: ColumnSpec = { name: 'fold', type: 'int32', nullable: true };
const DECIDED: ColumnSpec = { name: 'confidence', type: 'float', nullable: true };
