import { readClasses } from '#datasets/classes.ts';
import { type HardLabel, writeHardLabels } from '#datasets/hard-labels.ts';
import { type RelabelSummary, writeRelabelSummary } from '#datasets/relabel-summary.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { Calibration } from './calibration.ts';
import { type Proposal, withinCaps } from './caps.ts';
import { confidencesOf, type LabelConfidence } from './confidence-of-label.ts';
import { type Evidence, readEvidence } from './evidence.ts';
import { type Decision, decide } from './policy.ts';
import type { HardRelabelConfig } from './settings.ts';

/** Gives hard labels to train rows by what teacher and student say of them. No model runs here. */
export async function* runHardRelabel(
  context: StageContext<HardRelabelConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config, signal } = context;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const evidence = await readEvidence(context, classNames);
  signal.throwIfAborted();
  const { rows: calibrated } = evidence.teacher;
  if (calibrated < FEW_CALIBRATION_ROWS) {
    yield {
      type: 'warning',
      message: `confidence is calibrated on ${calibrated} labelled validation rows only; label at least ${FEW_CALIBRATION_ROWS}`,
    };
  }
  const decisions = evidence.rows.map((row) => ({ row, decision: decide(row, config) }));
  const proposals = decisions.flatMap(({ row, decision }) =>
    'labelId' in decision ? [{ row, decision }] : [],
  );
  const kept = withinCaps(proposals, evidence.rows, config);
  const summary = summaryOf(config, evidence, {
    decisions: decisions.map(({ decision }) => decision),
    proposals,
    kept,
  });
  const isKept = new Set(kept);
  const given = proposals.filter((one) => isKept.has(one));
  const confidences = await confidencesOf(context, evidence, given);
  await writeHardLabels(
    outputOf(context, 'hard-labels'),
    given.flatMap((one, at) => {
      const told = confidences[at];
      return told === undefined ? [] : [labelOf(one, told, classNames)];
    }),
  );
  await writeRelabelSummary(outputOf(context, 'hard-labels'), summary);
  const names = [
    'filled',
    'changed',
    'disagreed',
    'belowConfidence',
    'keptGold',
    'capped',
  ] as const;
  for (const name of names) {
    const value = summary[name];
    if (value !== undefined) yield { type: 'count', name, value };
  }
  if (kept.length === 0) {
    const message = 'no row got a label: lower hard-relabel.minConfidence?';
    yield { type: 'warning', message };
  }
}

function labelOf(
  { row, decision }: Proposal,
  told: LabelConfidence,
  classNames: readonly string[],
): HardLabel {
  const { goldId } = row;
  return {
    exampleId: row.exampleId,
    split: 'train',
    oldLabel: goldId === null ? null : (classNames[goldId] ?? null),
    oldLabelId: goldId,
    newLabel: classNames[decision.labelId] ?? '',
    newLabelId: decision.labelId,
    reason: decision.reason,
    teacherConfidence: told.teacher,
    studentConfidence: told.student,
    confidence: decision.confidence,
    fold: row.fold,
  };
}

function summaryOf(
  config: HardRelabelConfig,
  evidence: Evidence,
  found: {
    readonly decisions: readonly Decision[];
    readonly proposals: readonly Proposal[];
    readonly kept: readonly Proposal[];
  },
): RelabelSummary {
  const count = (type: Decision['type']) =>
    found.decisions.filter((decision) => decision.type === type).length;
  const given = (type: 'filled' | 'changed') =>
    found.kept.filter(({ decision }) => decision.type === type).length;
  const { policy, minConfidence, folds } = config;
  const { teacher, student, estimatedNoise } = evidence;
  const capped = found.proposals.length - found.kept.length;
  return {
    formatVersion: 1,
    policy,
    minConfidence,
    filled: given('filled'),
    disagreed: count('disagreed'),
    belowConfidence: count('below-confidence'),
    keptGold: evidence.rows.filter(({ goldId }) => goldId !== null).length - given('changed'),
    ...(folds !== undefined && { folds, changed: given('changed') }),
    ...(capped > 0 && { capped }),
    ...(estimatedNoise !== undefined && { estimatedNoise }),
    calibration: {
      teacher: calibrationSummary(teacher),
      student: calibrationSummary(student),
    },
  };
}

function calibrationSummary({ rows, fit }: Calibration) {
  return { rows, confidences: [...fit.xs], accuracies: [...fit.ys] };
}

const FEW_CALIBRATION_ROWS = 50;
