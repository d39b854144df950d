import { featuresInOrder, readFeaturesIfAny } from '#datasets/features.ts';
import { labelledExamples, readGoldOfRows } from '#datasets/gold-of-rows.ts';
import type { Answered } from '#datasets/operating-point.ts';
import { hasTargets, readTargets } from '#datasets/targets.ts';
import { answerKeys } from '#datasets/token-answers.ts';
import { readTokens, type TokenTable } from '#datasets/tokens.ts';
import { highestPlaces } from '#datasets/top-classes.ts';
import { inputOf } from '#stages/folders.ts';
import { answersPerRow, answersTo } from '#stages/onnx/answers.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import { lengthBatches } from '#stages/onnx/token-batches.ts';
import type { StageContext } from '#stages/stage.ts';
import { answered, labelledOf } from '#stages/students/answered.ts';
import { answeredLabels, withTargets } from '#stages/students/answered-labels.ts';
import type { OperatingPoint } from '#stages/students/operating-point.ts';
import type { ExportConfig } from './index.ts';

/** What an exported file says of the validation rows. */
export interface ValidationAnswers {
  readonly tokens: TokenTable;
  /** Logits of all answers to each row, in the order of the table: [answers * classCount] each. */
  readonly logits: readonly Float32Array[];
}

/** Asks an exported file about all validation rows, labelled or not. */
export async function answersOnValidation(
  context: StageContext<ExportConfig>,
  classifier: Classifier,
  classCount: number,
): Promise<ValidationAnswers> {
  const tokens = await readTokens(inputOf(context, 'tokens/student/validation'));
  const table = await readFeaturesIfAny(context.inputs['inputs/validation']);
  const features = table && featuresInOrder(table, tokens.exampleIds);
  const rows = [...tokens.exampleIds.keys()];
  const logits: Float32Array[] = [];
  for (const batch of lengthBatches(tokens, rows, BATCH_SIZE, features)) {
    context.signal.throwIfAborted();
    const answers = await answersTo(classifier, { tokens, features }, batch, classCount);
    for (const [index, row] of batch.entries()) logits[row] = answers[index] ?? new Float32Array();
  }
  return { tokens, logits };
}

/** Share of the labelled answers that are right; null where none has a label. */
export async function accuracyOf(
  { tokens, logits }: ValidationAnswers,
  context: StageContext<ExportConfig>,
  classCount: number,
): Promise<number | null> {
  const { labelled, goldOf } = await validationGold(context, tokens);
  let [correct, compared] = [0, 0];
  for (const row of labelled) {
    const gold = goldOf(row);
    const best = highestPlaces(logits[row] ?? new Float32Array(), classCount);
    compared += gold.filter((labelId) => labelId >= 0).length;
    correct += gold.filter((labelId, answer) => labelId >= 0 && labelId === best[answer]).length;
  }
  return compared === 0 ? null : correct / compared;
}

/** What an exported file that has an operating point answers of the labelled rows. */
export async function answeredAt(
  point: OperatingPoint,
  { tokens, logits }: ValidationAnswers,
  context: StageContext<ExportConfig>,
  classNames: readonly string[],
): Promise<Answered> {
  const folder = inputOf(context, 'labels/validation');
  const { exampleIds } = tokens;
  const { length: width } = classNames;
  const all = new Float32Array(exampleIds.length * width);
  for (const [row, own] of logits.entries()) all.set(own, row * width);
  const scores = { exampleIds, logits: all, rowCount: exampleIds.length };
  if (hasTargets(folder)) {
    const gold = new Map((await readTargets(folder)).map((row) => [row.exampleId, row.targets]));
    return answeredLabels(withTargets(scores, gold, width), classNames, point);
  }
  const { ofRows } = await readGoldOfRows(folder);
  return answered(labelledOf(scores, ofRows), classNames, point);
}

/** Labelled rows, and the gold class of each of their answers: one, or one a word (-1: none). */
async function validationGold(context: StageContext<ExportConfig>, tokens: TokenTable) {
  const folder = inputOf(context, 'labels/validation');
  const { ofRows } = await readGoldOfRows(folder);
  const examples = await labelledExamples(folder);
  const labelled = [...tokens.exampleIds.keys()].filter((row) =>
    examples.has(tokens.exampleIds[row] ?? ''),
  );
  const keys = tokens.answers === undefined ? tokens.exampleIds : answerKeys(tokens);
  const { offsets } = answersPerRow(tokens);
  const goldOf = (row: number): readonly number[] =>
    keys.slice(offsets[row], offsets[row + 1]).map((key) => ofRows.get(key) ?? -1);
  return { labelled, goldOf };
}

const BATCH_SIZE = 32;
