import { type StoredFeatures, takeFeatures } from '#datasets/features.ts';
import { type Fold, foldOf } from '#datasets/folds.ts';
import { takeTokens } from '#datasets/tokens/take-tokens.ts';
import {
  balancedClasses,
  everyRow,
  rotatingViews,
  surveyRows,
  withCopies,
} from '#stages/train-student/batches/epoch-rows.ts';
import { withViews } from '#stages/train-student/batches/with-views.ts';
import type { Settings } from '#stages/train-student/settings.ts';
import { targetSource } from '#stages/train-student/targets/mixed-caches.ts';
import type { TrainingInputs, ViewInputs } from '#stages/train-student/training-inputs.ts';
import { openTransferSet, type TransferSet } from '#stages/train-student/transfer-set.ts';
import { openWordTransferSet } from '#stages/train-student/words/word-transfer-set.ts';

/** The train rows, and their views where there are any, with soft targets at a temperature. */
export async function transferSetOf(
  inputs: TrainingInputs,
  settings: Settings,
  temperature: number,
): Promise<TransferSet> {
  const memoryLimitBytes = settings.memoryLimitMb * 2 ** 20;
  const leavesOut = settings.unanswered === 'leave-out';
  const mixing = { mix: settings.mix, temperature, hints: settings.hints };
  const open = async (
    { tokens, gold, softLabels }: Omit<ViewInputs, 'of'>,
    features: StoredFeatures | undefined,
  ) => {
    const softTargets = await targetSource(softLabels, mixing);
    const rows = { tokens, features, gold, softTargets };
    return openTransferSet({ ...rows, memoryLimitBytes, leavesOut });
  };
  const { wordGold, softLabels, views } = inputs;
  const { tokens, features, gold } = withoutFold(inputs, settings.leftOutFold);
  if (wordGold !== undefined) {
    const softTargets = await targetSource(softLabels, mixing);
    return openWordTransferSet({ tokens, gold: wordGold, softTargets, memoryLimitBytes });
  }
  const rows = await open({ tokens, gold, softLabels }, features);
  const hasViews = views !== undefined && views.tokens.exampleIds.length > 0;
  const set = hasViews ? withViews(rows, await open(views, undefined)) : rows;
  return chosenPerEpoch(set, settings, hasViews ? views.of : new Map());
}

/** The set, with the rows that an epoch has where it has not all of them once. */
async function chosenPerEpoch(
  set: TransferSet,
  { sampling, views, seed }: Settings,
  of: ReadonlyMap<string, string>,
): Promise<TransferSet> {
  if (sampling !== 'balanced' && views !== 'rotate') return set;
  const survey = await surveyRows(set);
  const rows = views === 'rotate' ? rotatingViews(survey, of, seed) : everyRow(survey);
  const balanced = sampling === 'balanced' ? balancedClasses(survey, rows, seed) : rows;
  return withCopies(set, survey, balanced);
}

/** The train rows that are learned from. */
function withoutFold({ train, features, gold }: TrainingInputs, leftOut: Fold | undefined) {
  if (leftOut === undefined) return { tokens: train, features: features?.train, gold };
  const rows = train.exampleIds.flatMap((exampleId, row) =>
    foldOf(exampleId, leftOut.of) === leftOut.fold ? [] : [row],
  );
  return {
    tokens: takeTokens(train, rows),
    features: features && takeFeatures(features.train, rows),
    gold,
  };
}
