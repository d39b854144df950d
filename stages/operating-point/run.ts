import { Failure } from '#cache/failure.ts';
import { readClasses } from '#datasets/classes.ts';
import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import {
  type Answered,
  saidBy,
  shownAnswered,
  shownGoal,
  writeOperatingPoint,
} from '#datasets/operating-point.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { hasTargets, readTargets } from '#datasets/targets.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { fitTemperature } from '#stages/numerics/temperature-scaling.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { answered, claimsOf, labelledOf } from '#stages/students/answered.ts';
import { answeredLabels, withTargets } from '#stages/students/answered-labels.ts';
import type { OperatingPoint } from '#stages/students/operating-point.ts';
import { chooseForLabels } from './choose-for-labels.ts';
import { chooseThresholds, type Thresholds } from './choose-point.ts';
import type { OperatingPointConfig } from './settings.ts';

/** Says when the exported student is sure enough to be answered by, from validation rows alone. */
export async function* runOperatingPoint(
  context: StageContext<OperatingPointConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { goal } = context.config;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const { rows, temperature, chosen, answeredAt } = await evidenceOf(context, classNames);
  if (rows < FEW_ROWS) {
    const message = `the operating point is chosen on ${rows} labelled validation rows only; label at least ${FEW_ROWS}`;
    yield { type: 'warning', message };
  }
  const point = { goal: shownGoal(goal), temperature, ...chosen };
  const validation = answeredAt(point);
  yield* remarks(chosen, classNames.length);
  yield { type: 'metric', name: 'temperature', value: temperature, step: 0 };
  yield { type: 'metric', name: 'coverage', value: validation.answered / rows, step: 0 };
  const { said, right } = saidBy(validation);
  if (said > 0) yield { type: 'metric', name: 'precision', value: right / said, step: 0 };
  const message = `${point.goal}: the student ${shownAnswered(validation)} on validation`;
  yield { type: 'note', message };
  await writeOperatingPoint(outputOf(context, 'operating-point'), {
    formatVersion: 1,
    temperature,
    ...chosen,
    validation,
  });
}

/** What labelled validation rows say about a goal. */
interface Evidence {
  readonly rows: number;
  readonly temperature: number;
  readonly chosen: Thresholds;
  readonly answeredAt: (point: OperatingPoint) => Answered;
}

async function evidenceOf(
  context: StageContext<OperatingPointConfig>,
  classNames: readonly string[],
): Promise<Evidence> {
  const { goal } = context.config;
  const folder = inputOf(context, 'labels/validation');
  const predictions = await readPredictions(inputOf(context, 'predictions'), 'validation');
  if (hasTargets(folder)) {
    const gold = new Map((await readTargets(folder)).map((row) => [row.exampleId, row.targets]));
    const values = withTargets(predictions, gold, classNames.length);
    const rows = values.logits.length / classNames.length;
    if (rows === 0) throw new NothingToCalibrateOnError();
    return {
      rows,
      ...chooseForLabels(values, goal, classNames),
      answeredAt: (point) => answeredLabels(values, classNames, point),
    };
  }
  const labelled = labelledOf(predictions, (await readGoldOfRows(folder)).ofRows);
  const rows = labelled.goldIds.length;
  if (rows === 0) throw new NothingToCalibrateOnError();
  const temperature = fitTemperature(labelled.logits, labelled.goldIds);
  const claims = claimsOf(labelled, { classNames, temperature });
  return {
    rows,
    temperature,
    chosen: chooseThresholds(claims, goal, classNames),
    answeredAt: (point) => answered(labelled, classNames, point),
  };
}

/** Without gold labels on validation nobody knows what a confidence is worth. */
class NothingToCalibrateOnError extends Failure {
  constructor() {
    super(
      'data',
      'E_NOTHING_TO_CALIBRATE_ON',
      'export.goal is reached on labelled validation rows, and no row of corpus.validation has a label',
      'label some of them, or leave export.goal out',
    );
  }
}

function* remarks(
  { threshold, thresholds, rowsForOwn, sharing }: Thresholds,
  classCount: number,
): Generator<StageEvent> {
  if (sharing.length > 0) {
    const message = `${sharing.length} of ${classCount} classes are named on fewer than ${rowsForOwn} validation rows and share a threshold: ${some(sharing)}`;
    yield { type: 'note', message };
  }
  const never = Object.keys(thresholds).filter((label) => (thresholds[label] ?? 0) > 1);
  if (never.length > 0) {
    const message = `no confidence reaches the goal for ${some(never)}: the student abstains whenever it would say so`;
    yield { type: 'warning', message };
  }
  if (threshold > 1) {
    const message =
      'no confidence reaches the goal for classes that share a threshold: the student abstains from them';
    yield { type: 'warning', message };
  }
}

function some(labels: readonly string[]): string {
  const rest = labels.length - SHOWN;
  return `${labels.slice(0, SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

const FEW_ROWS = 50;
const SHOWN = 8;
