import { isValueTask, type ValueTask } from '#datasets/task.ts';
import {
  multiLabelFigures,
  regressionFigures,
  rSquared,
  sameLabelsF1,
} from '#stages/numerics/value-metrics.ts';
import { labelParts, targetsOf } from '#stages/prepare/value-labels.ts';
import type { Inspection } from '#stages/soft-label/inspect-teacher.ts';
import type { InspectedRows } from './inspected-rows.ts';
import type { TeacherFacts } from './teacher-facts.ts';

/** How well a teacher knows labelled rows. */
export type Skill = ClassSkill | LabelsSkill | NumbersSkill;

interface Common {
  readonly rows: number;
  /** Labels that this teacher cannot give; their rows are left out. */
  readonly unknownLabels: readonly string[];
}

/** Where one class, or token, is right. Shares, 0..1. */
interface ClassSkill extends Common {
  readonly accuracy: number;
  /** Of who always says the most frequent one. */
  readonly majority: number;
}

/** Where each class is a yes or a no. Shares, 0..1. */
interface LabelsSkill extends Common {
  readonly microF1: number;
  readonly meanAveragePrecision: number | null;
  /** Micro-F1 of who always says the same labels, those that are best. */
  readonly sameLabelsF1: number;
}

/** Where numbers are right; null where it cannot be told. */
interface NumbersSkill extends Common {
  readonly pearson: number | null;
  /** 1 - mean squared error / variance: 0 of who always says the mean of the labels. */
  readonly rSquared: number | null;
}

/**
 * How often the teacher names the gold class of labelled rows, or the token that stands in a text, or how near it is
 * to several labels or numbers; undefined where no row has a label.
 */
export function skillOf(
  { classes, task }: TeacherFacts,
  { rows }: InspectedRows,
  { predictions }: Inspection,
): Skill | undefined {
  if (isValueTask(task)) return valueSkill(task, classes, rows, predictions);
  const counts = new Map<number, number>();
  const unknown = new Set<string>();
  let [known, correct] = [0, 0];
  for (const [index, { classId, place }] of predictions.entries()) {
    // A language model is shown texts; which of them are long enough to be asked, the inspection says.
    const label = place === undefined ? rows[index]?.label : place.gold;
    if (label === null || label === undefined) continue;
    const gold = place?.goldId ?? classes.idOfLabel.get(label);
    if (gold === undefined) unknown.add(label);
    else {
      known += 1;
      counts.set(gold, (counts.get(gold) ?? 0) + 1);
      if (classId === gold) correct += 1;
    }
  }
  if (known + unknown.size === 0) return undefined;
  const most = Math.max(0, ...counts.values());
  return {
    rows: known,
    accuracy: known === 0 ? 0 : correct / known,
    majority: known === 0 ? 0 : most / known,
    unknownLabels: [...unknown],
  };
}

function valueSkill(
  task: ValueTask,
  classes: TeacherFacts['classes'],
  shown: InspectedRows['rows'],
  predictions: Inspection['predictions'],
): Skill | undefined {
  const width = classes.classNames.length;
  const unknown = new Set<string>();
  const [values, gold]: [number[], number[]] = [[], []];
  const targets = targetsOf(classes, task);
  for (const [index, prediction] of predictions.entries()) {
    const label = shown[index]?.label;
    if (label === null || label === undefined || prediction.values === undefined) continue;
    const strange = strangePart(label, task, classes);
    if (strange !== undefined) unknown.add(strange);
    else {
      values.push(...prediction.values);
      gold.push(...(targets?.(label) ?? []));
    }
  }
  const rows = values.length / width;
  if (rows + unknown.size === 0) return undefined;
  const common = { rows, unknownLabels: [...unknown] };
  if (task === 'regression') {
    const { pearson } = regressionFigures(values, gold, width);
    return { ...common, pearson, rSquared: rSquared(values, gold, width) };
  }
  const { microF1, meanAveragePrecision } = multiLabelFigures(values, gold, width);
  return { ...common, microF1, meanAveragePrecision, sameLabelsF1: sameLabelsF1(gold, width) };
}

/** What of a label the teacher has no output for. */
function strangePart(
  label: string,
  task: ValueTask,
  { classNames, idOfLabel }: TeacherFacts['classes'],
): string | undefined {
  const parts = labelParts(label).map(String);
  if (task === 'regression') return parts.length === classNames.length ? undefined : label;
  return parts.find((name) => !idOfLabel.has(name));
}
