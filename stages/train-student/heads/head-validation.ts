import { predictTokens } from '#stages/train-student/language/language-predictions.ts';
import { judgeTokens } from '#stages/train-student/language/language-validation.ts';
import { predictRows } from '#stages/train-student/predict-rows.ts';
import type { Measurement } from '#stages/train-student/training.ts';
import { type Score, scoreOf, validate } from '#stages/train-student/validation.ts';
import { judgeValues } from '#stages/train-student/values/value-validation.ts';
import type { Heads, HeadTraining } from './head-setup.ts';

/** What a student says on the validation rows of one of its heads. */
export interface HeadMeasurement extends Measurement {
  readonly name: string;
  readonly weight: number;
}

/** Measures a student on the validation rows of all its heads; throws the signal's reason on abort. */
export async function measureHeads(
  [first, ...further]: Heads<HeadTraining>,
  signal: AbortSignal,
): Promise<Measurement> {
  const ofFirst = await measureHead(first, signal);
  const others: HeadMeasurement[] = [];
  for (const head of further) others.push({ ...head, ...(await measureHead(head, signal)) });
  return others.length === 0 ? ofFirst : jointMeasurement([{ ...first, ...ofFirst }, ...others]);
}

/**
 * The first head's figures by their usual names, those of the others by NAME behind a dot. The score is the mean of
 * all heads that have one, by their weights; their rows differ, so that their errors do not depend on each other.
 */
export function jointMeasurement([first, ...further]: Heads<HeadMeasurement>): Measurement {
  const figures = further.flatMap(({ name, validation }) =>
    Object.entries(validation).map(([figure, value]) => [`${figure}.${name}`, value] as const),
  );
  return {
    validation: { ...first.validation, ...Object.fromEntries(figures) },
    score: meanScore([first, ...further]),
  };
}

async function measureHead(
  { inputs, stepper, layout, buckets, classCount }: HeadTraining,
  signal: AbortSignal,
): Promise<Measurement> {
  const { validation: rows, judge, features } = inputs;
  const { tokens } = rows;
  const { answersPerBatch } = layout;
  const forward = { ...layout, buckets, classCount, signal };
  if (answersPerBatch !== undefined) {
    return judgeTokens(rows, await predictTokens(stepper, tokens, { ...forward, answersPerBatch }));
  }
  const asked = { tokens, features: features?.validation };
  const logits = await predictRows(stepper, asked, forward);
  if (judge !== undefined) return judgeValues(judge, logits, classCount);
  const validation = validate(rows, logits, classCount);
  return { validation, score: scoreOf(rows, validation) };
}

function meanScore(heads: readonly HeadMeasurement[]): Score | null {
  const scored = heads.flatMap(({ weight, score }) => (score === null ? [] : [{ weight, score }]));
  const total = scored.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) return null;
  const parts = scored.map(({ weight, score: { share, standardError } }) => ({
    share: (weight / total) * share,
    standardError: (weight / total) * standardError,
  }));
  return {
    share: parts.reduce((sum, { share }) => sum + share, 0),
    standardError: Math.hypot(...parts.map(({ standardError }) => standardError)),
  };
}
