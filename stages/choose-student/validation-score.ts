import type { Choice } from '#datasets/choice.ts';
import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import type { Predictions } from '#datasets/predictions.ts';
import { readTargets } from '#datasets/targets.ts';
import { isValueTask, type Task, type ValueTask } from '#datasets/task.ts';
import { rowKeys } from '#datasets/tokens/token-answers.ts';
import { squaredError } from '#stages/numerics/value-losses.ts';
import { multiLabelFigures } from '#stages/numerics/value-metrics.ts';

/** How good a student is on the labelled validation rows. */
export interface ValidationScore {
  readonly figure: Choice['figure'];
  /** As people read it; of an error less is better. */
  readonly value: number;
  readonly standardError: number;
  /** Rows, or words, with gold. */
  readonly rows: number;
}

/** By accuracy, micro-F1 or mean squared error, as the task has it; null where no row has a label. */
export async function validationScore(
  predictions: Predictions,
  labels: string,
  task: Task | undefined,
): Promise<ValidationScore | null> {
  return isValueTask(task)
    ? scoreOfValues(predictions, labels, task)
    : scoreOfClasses(predictions, labels);
}

async function scoreOfClasses(
  predictions: Predictions,
  labels: string,
): Promise<ValidationScore | null> {
  const { ofRows } = await readGoldOfRows(labels);
  const compared = [...rowKeys(predictions)].flatMap((key, row) => {
    const gold = ofRows.get(key);
    return gold === undefined ? [] : [gold === predictions.predictedIds[row]];
  });
  const right = compared.filter(Boolean).length;
  return compared.length === 0 ? null : shareScore('accuracy', right / compared.length, compared);
}

async function scoreOfValues(
  { exampleIds, logits, rowCount }: Predictions,
  labels: string,
  task: ValueTask,
): Promise<ValidationScore | null> {
  const width = logits.length / Math.max(1, rowCount);
  const gold = new Map(
    (await readTargets(labels)).map(({ exampleId, targets }) => [exampleId, targets]),
  );
  const pairs = exampleIds.flatMap((exampleId, row) => {
    const targets = gold.get(exampleId);
    const own = logits.subarray(row * width, (row + 1) * width);
    return targets === undefined ? [] : [{ own: [...own], targets: [...targets] }];
  });
  if (pairs.length === 0) return null;
  if (task === 'multi-label') {
    const { microF1 } = multiLabelFigures(
      Float32Array.from(pairs.flatMap(({ own }) => own)),
      Float32Array.from(pairs.flatMap(({ targets }) => targets)),
      width,
    );
    return shareScore('microF1', microF1, pairs);
  }
  const errors = pairs.map(({ own, targets }) => squaredError(own, targets).loss);
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const variance = errors.reduce((sum, error) => sum + (error - mean) ** 2, 0) / errors.length;
  return {
    figure: 'meanSquaredError',
    value: mean,
    standardError: Math.sqrt(variance / errors.length),
    rows: errors.length,
  };
}

function shareScore(
  figure: 'accuracy' | 'microF1',
  share: number,
  { length }: ArrayLike<unknown>,
): ValidationScore {
  const standardError = Math.sqrt((share * (1 - share)) / length);
  return { figure, value: share, standardError, rows: length };
}
