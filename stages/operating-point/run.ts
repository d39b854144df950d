import { Failure } from '#cache/failure.ts';
import { readClasses } from '#datasets/classes.ts';
import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import { shownAnswered, writeOperatingPoint } from '#datasets/operating-point.ts';
import { readPredictions } from '#datasets/predictions.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { fitTemperature } from '#stages/numerics/temperature-scaling.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { answered, claimsOf, type LabelledLogits, labelledOf } from '#stages/students/answered.ts';
import { chooseThresholds, type Thresholds } from './choose-point.ts';
import { type OperatingPointConfig, shownGoal } from './settings.ts';

/** Says when the exported student is sure enough to be answered by, from validation rows alone. */
export async function* runOperatingPoint(
  context: StageContext<OperatingPointConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { goal } = context.config;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const labelled = await labelledLogits(context);
  const rows = labelled.goldIds.length;
  if (rows === 0) throw new NothingToCalibrateOnError();
  if (rows < FEW_ROWS) {
    const message = `the operating point is chosen on ${rows} labelled validation rows only; label at least ${FEW_ROWS}`;
    yield { type: 'warning', message };
  }
  const temperature = fitTemperature(labelled.logits, labelled.goldIds);
  const claims = claimsOf(labelled, { classNames, temperature });
  const chosen = chooseThresholds(claims, goal, classNames);
  const point = { goal: shownGoal(goal), temperature, ...chosen };
  const validation = answered(labelled, classNames, point);
  yield* remarks(chosen, classNames.length);
  yield { type: 'metric', name: 'temperature', value: temperature, step: 0 };
  yield { type: 'metric', name: 'coverage', value: validation.answered / rows, step: 0 };
  if (validation.answered > 0) {
    const precision = validation.right / validation.answered;
    yield { type: 'metric', name: 'precision', value: precision, step: 0 };
  }
  const message = `${point.goal}: the student ${shownAnswered(validation)} on validation`;
  yield { type: 'note', message };
  await writeOperatingPoint(outputOf(context, 'operating-point'), {
    formatVersion: 1,
    temperature,
    ...chosen,
    validation,
  });
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

/** What the student says of the validation rows that have a gold label. */
async function labelledLogits(
  context: StageContext<OperatingPointConfig>,
): Promise<LabelledLogits> {
  const predictions = await readPredictions(inputOf(context, 'predictions'), 'validation');
  const { ofRows } = await readGoldOfRows(inputOf(context, 'labels/validation'));
  return labelledOf(predictions, ofRows);
}

const FEW_ROWS = 50;
const SHOWN = 8;
