import { readClasses } from '#datasets/classes.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { type HardLabel, writeHardLabels } from '#datasets/hard-labels.ts';
import { readLabels } from '#datasets/labels.ts';
import { type RelabelSummary, writeRelabelSummary } from '#datasets/relabel-summary.ts';
import { MissingExampleError } from '#datasets/row-index.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { type Calibration, calibrationOf } from './calibration.ts';
import { studentGuesses, teacherGuesses } from './guesses.ts';
import { type HardRelabelConfig } from './index.ts';
import { type Decision, fillUnlabelled, type Opinions } from './policy.ts';

/** Gives hard labels to train rows without gold on which teacher and student agree. No model runs here. */
export async function* runHardRelabel(
  context: StageContext<HardRelabelConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config, signal } = context;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const calibration = await calibrate(context, classNames);
  signal.throwIfAborted();
  const fewest = Math.min(calibration.teacher.rows, calibration.student.rows);
  if (fewest < FEW_CALIBRATION_ROWS) {
    yield {
      type: 'warning',
      message: `confidence is calibrated on ${fewest} labelled validation rows only; label at least ${FEW_CALIBRATION_ROWS}`,
    };
  }

  const judged = await judge(context, calibration, classNames);
  signal.throwIfAborted();
  const summary = summaryOf(config, judged, calibration);
  await writeHardLabels(
    outputOf(context, 'hard-labels'),
    judged.flatMap(({ label }) => (label === null ? [] : [label])),
  );
  await writeRelabelSummary(outputOf(context, 'hard-labels'), summary);
  for (const name of ['filled', 'disagreed', 'belowConfidence', 'keptGold'] as const) {
    yield { type: 'count', name, value: summary[name] };
  }
  if (summary.filled === 0) {
    yield { type: 'warning', message: 'no row was filled: lower hard-relabel.minConfidence?' };
  }
}

interface Calibrations {
  readonly teacher: Calibration;
  readonly student: Calibration;
}

interface Judgement {
  readonly decision: Decision;
  /** Null unless the row was filled. */
  readonly label: HardLabel | null;
}

async function calibrate(
  context: StageContext<HardRelabelConfig>,
  classNames: readonly string[],
): Promise<Calibrations> {
  const gold = goldClasses(await readLabels(inputOf(context, 'labels/validation')));
  const rows = inputOf(context, 'rows/validation');
  const teacher = await teacherGuesses(rows, 'validation', classNames);
  const student = await studentGuesses(inputOf(context, 'predictions'), 'validation');
  return {
    teacher: calibrationOf('teacher', teacher, gold),
    student: calibrationOf('student', student, gold),
  };
}

async function judge(
  context: StageContext<HardRelabelConfig>,
  calibration: Calibrations,
  classNames: readonly string[],
): Promise<Judgement[]> {
  const gold = goldClasses(await readLabels(inputOf(context, 'labels/train')));
  const teacher = await teacherGuesses(inputOf(context, 'rows/train'), 'train', classNames);
  const predictions = inputOf(context, 'predictions');
  const student = await studentGuesses(predictions, 'train');
  return [...teacher].map(([exampleId, teacherGuess]) => {
    const studentGuess = student.get(exampleId);
    if (studentGuess === undefined) throw new MissingExampleError(predictions, exampleId);
    const opinions = {
      teacherId: teacherGuess.classId,
      teacherConfidence: calibration.teacher.accuracyAt(teacherGuess.confidence),
      studentId: studentGuess.classId,
      studentConfidence: calibration.student.accuracyAt(studentGuess.confidence),
    };
    const hasGold = gold.has(exampleId);
    const decision = fillUnlabelled(opinions, {
      hasGold,
      minConfidence: context.config.minConfidence,
    });
    const label = decision === 'filled' ? filledLabel(exampleId, opinions, classNames) : null;
    return { decision, label };
  });
}

function filledLabel(
  exampleId: string,
  opinions: Opinions,
  classNames: readonly string[],
): HardLabel {
  return {
    exampleId,
    split: 'train',
    oldLabel: null,
    oldLabelId: null,
    newLabel: classNames[opinions.teacherId] ?? '',
    newLabelId: opinions.teacherId,
    reason: 'teacher-and-student-agree',
    teacherConfidence: opinions.teacherConfidence,
    studentConfidence: opinions.studentConfidence,
  };
}

function summaryOf(
  config: HardRelabelConfig,
  judged: readonly Judgement[],
  calibration: Calibrations,
): RelabelSummary {
  const count = (decision: Decision) => judged.filter((row) => row.decision === decision).length;
  return {
    formatVersion: 1,
    policy: config.policy,
    minConfidence: config.minConfidence,
    filled: count('filled'),
    disagreed: count('disagreed'),
    belowConfidence: count('below-confidence'),
    keptGold: count('kept-gold'),
    calibration: {
      teacher: calibrationSummary(calibration.teacher),
      student: calibrationSummary(calibration.student),
    },
  };
}

function calibrationSummary({ rows, fit }: Calibration) {
  return { rows, confidences: [...fit.xs], accuracies: [...fit.ys] };
}

const FEW_CALIBRATION_ROWS = 50;
