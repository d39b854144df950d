import type { ValueMetrics } from '#datasets/metrics/value-metrics.ts';
import { rowIndexOf } from '#datasets/row-index.ts';
import type { ValueTask } from '#datasets/task.ts';
import { type CalibrationBin, calibrationBins } from '#stages/numerics/metrics.ts';
import {
  decisionAgreement,
  multiLabelFigures,
  regressionFigures,
} from '#stages/numerics/value-metrics.ts';
import { withTargets } from '#stages/students/answered-labels.ts';
import { valueIntervals } from './intervals.ts';
import { type Identity, NoGoldError } from './measure.ts';

/** Numbers that a model gives, [rows * width]. */
export interface ValueScores {
  readonly exampleIds: readonly string[];
  readonly logits: Float32Array;
}

/** All metrics of one model of a value task. Rows without gold count in `agreement` only. */
export function measureValues(
  identity: Identity,
  scores: ValueScores,
  gold: ReadonlyMap<string, Float32Array>,
  reference: {
    readonly teacher: ValueScores | undefined;
    readonly classNames: readonly string[];
    readonly task: ValueTask;
  },
): ValueMetrics {
  const { task, classNames, teacher } = reference;
  const width = classNames.length;
  const { logits, targets } = withTargets(scores, gold, width);
  if (logits.length === 0) throw new NoGoldError(identity.name);
  const { figures, perClass } = figuresOfValues(task, logits, targets, width);
  return {
    formatVersion: 1,
    task,
    ...identity,
    rows: logits.length / width,
    figures,
    ...(task === 'multi-label' && { calibrationBins: binsOfLabels(logits, targets) }),
    intervals: valueIntervals(task, logits, targets, width),
    agreement:
      identity.subject === 'teacher' || teacher === undefined
        ? null
        : agreementOf(task, scores, teacher, width),
    perClass: perClass.map((one, classId) => ({ label: classNames[classId] ?? '', ...one })),
  };
}

/** How often a label is there, over the probability that it was given. */
function binsOfLabels(logits: Float32Array, targets: Float32Array): CalibrationBin[] {
  const probabilities = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
  return calibrationBins(
    probabilities,
    Uint8Array.from(targets, (share) => Number(share >= 0.5)),
  );
}

/** The figures of a task on rows of numbers, both [rows * width]; of several labels also those of each. */
export function figuresOfValues(
  task: ValueTask,
  own: Float32Array,
  targets: Float32Array,
  width: number,
): {
  readonly figures: ValueMetrics['figures'];
  readonly perClass: readonly Omit<ValueMetrics['perClass'][number], 'label'>[];
} {
  if (task === 'regression') {
    const { pearson, spearman, ...errors } = regressionFigures(own, targets, width);
    return { figures: { pearson, spearman, ...errors }, perClass: [] };
  }
  const { perClass, ...figures } = multiLabelFigures(own, targets, width);
  return { figures, perClass };
}

function agreementOf(
  task: ValueTask,
  student: ValueScores,
  teacher: ValueScores,
  width: number,
): number | null {
  const index = rowIndexOf(teacher.exampleIds, 'soft labels of the test split');
  const known = new Set(teacher.exampleIds);
  // A row that the teacher left unanswered is compared with nothing.
  const rows = student.exampleIds.flatMap((exampleId, row) => (known.has(exampleId) ? [row] : []));
  const places = rows.map((row) => index.rowOf(student.exampleIds[row] ?? ''));
  const [own, said] = [rowsOf(student.logits, rows, width), rowsOf(teacher.logits, places, width)];
  return task === 'regression'
    ? regressionFigures(own, said, width).pearson
    : decisionAgreement(own, said);
}

function rowsOf(values: Float32Array, rows: readonly number[], width: number): Float32Array {
  const taken = new Float32Array(rows.length * width);
  for (const [place, row] of rows.entries()) {
    taken.set(values.subarray(row * width, (row + 1) * width), place * width);
  }
  return taken;
}
