import { Failure } from '#cache/failure.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { isValueTask } from '#datasets/task.ts';
import type { Settings } from '#stages/train-student/settings.ts';
import type { GoldTarget } from '#stages/train-student/targets/gold-targets.ts';

/** What people say of the train rows, in the form that the task has. */
export interface WeighedGold {
  readonly classNames: readonly string[];
  readonly gold: ReadonlyMap<string, readonly GoldTarget[]>;
  /** Of words: the class of each, -1 where it has none. */
  readonly wordGold?: ReadonlyMap<string, Int32Array> | undefined;
}

/** `classWeights` names a class that there is not. */
export class ClassWeightError extends Failure {
  constructor(label: string, classNames: readonly string[]) {
    super(
      'usage',
      'E_CLASS_WEIGHT',
      `classWeights names "${label}", and there is no such class`,
      `write the class as the corpus does; ${hintFor(label, classNames)}`,
    );
  }
}

/**
 * How much each class counts in the hard loss [classCount]; undefined where all count alike. Of
 * multi-label, how much a yes of each class counts.
 */
export function classWeightsOf(
  { classWeights, task }: Pick<Settings, 'classWeights' | 'task'>,
  gold: WeighedGold,
): Float32Array | undefined {
  if (classWeights === undefined) return undefined;
  if (classWeights === 'balanced') {
    return isValueTask(task) ? balancedYes(gold) : balanced(rowsPerClass(gold));
  }
  const { classNames } = gold;
  const weights = new Float32Array(classNames.length).fill(1);
  for (const [label, weight] of Object.entries(classWeights)) {
    const classId = classNames.indexOf(label);
    if (classId < 0) throw new ClassWeightError(label, classNames);
    weights[classId] = weight;
  }
  return weights;
}

/** rows / (classes that occur x rows of the class), as scikit-learn's; a class without a row counts 1. */
function balanced(rows: Float64Array): Float32Array {
  const total = rows.reduce((sum, count) => sum + count, 0);
  const occurring = rows.filter((count) => count > 0).length;
  return Float32Array.from(rows, (count) => (count > 0 ? total / (occurring * count) : 1));
}

/** Of each class, rows without it over rows with it; 1 where it never or always holds. */
function balancedYes(gold: WeighedGold): Float32Array {
  const rows = [...gold.gold.values()].filter(({ length }) => length > 0).length;
  return Float32Array.from(rowsPerClass(gold), (yes) =>
    yes > 0 && yes < rows ? (rows - yes) / yes : 1,
  );
}

function rowsPerClass({ classNames, gold, wordGold }: WeighedGold): Float64Array {
  const rows = new Float64Array(classNames.length);
  const add = (classId: number, weight: number): void => {
    if (classId >= 0) rows[classId] = (rows[classId] ?? 0) + weight;
  };
  for (const targets of gold.values()) {
    for (const { labelId, weight } of targets) add(labelId, weight);
  }
  for (const words of wordGold?.values() ?? []) for (const classId of words) add(classId, 1);
  return rows;
}
