import { featuresInOrder, readFeaturesIfAny } from '#datasets/features.ts';
import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import type { Answered } from '#datasets/operating-point.ts';
import { highestPlaces } from '#datasets/soft-labels/top-classes.ts';
import { hasTargets, readTargets } from '#datasets/targets.ts';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import { answersPerRow, answersTo } from '#stages/onnx/answers.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import { lengthBatches } from '#stages/onnx/token-batches.ts';
import type { StageContext } from '#stages/stage.ts';
import { answered, labelledOf } from '#stages/students/answered.ts';
import { answeredLabels, withTargets } from '#stages/students/answered-labels.ts';
import { observedLabel } from '#stages/students/baseline.ts';
import type { OperatingPoint } from '#stages/students/operating-point.ts';
import type { StudentTask } from '#stages/students/student-folder.ts';
import type { ExportConfig } from './index.ts';

/** What is kept of an exported file's answers to the validation rows, labelled or not. */
export interface ValidationAnswers {
  readonly tokens: TokenTable;
  /** The likeliest class of each answer, in the order of the table. [answers] */
  readonly bestIds: Int32Array;
  /** Of several labels, numbers, and where there is an operating point: all logits. [rows * classes] */
  readonly values: Float32Array | undefined;
  /** What `decant predict` would say of each text; empty for words and numbers. */
  readonly labels: readonly { readonly label: string; readonly confidence: number }[];
}

/** Asks an exported file about all validation rows. Logits are read and dropped batch by batch. */
export async function answersOnValidation(
  context: StageContext<ExportConfig>,
  classifier: Classifier,
  student: {
    readonly classNames: readonly string[];
    readonly task: StudentTask;
    readonly point: OperatingPoint | undefined;
  },
): Promise<ValidationAnswers> {
  const { classNames, task, point } = student;
  const rules = { classNames, task, temperature: point?.temperature ?? 1 };
  const { length: width } = classNames;
  const tokens = await readTokens(inputOf(context, 'tokens/student/validation'));
  const table = await readFeaturesIfAny(context.inputs['inputs/validation']);
  const features = table && featuresInOrder(table, tokens.exampleIds);
  const { offsets } = answersPerRow(tokens);
  const rows = [...tokens.exampleIds.keys()];
  const bestIds = new Int32Array(offsets.at(-1) ?? 0);
  const areRead = task === 'multi-label' || task === 'regression' || point !== undefined;
  const values = areRead ? new Float32Array(rows.length * width) : undefined;
  const labels: ValidationAnswers['labels'][number][] = [];
  for (const batch of lengthBatches(tokens, rows, BATCH_SIZE, features)) {
    context.signal.throwIfAborted();
    const answers = await answersTo(classifier, { tokens, features }, batch, width);
    for (const [index, row] of batch.entries()) {
      const logits = answers[index] ?? new Float32Array();
      bestIds.set(highestPlaces(logits, width), offsets[row]);
      values?.set(logits, row * width);
      if (hasLabels(task)) labels[row] = observedLabel(logits, rules);
    }
  }
  return { tokens, bestIds, values, labels };
}

/** What an exported file that has an operating point answers of the labelled rows. */
export async function answeredAt(
  point: OperatingPoint,
  { tokens, values: logits = new Float32Array() }: ValidationAnswers,
  context: StageContext<ExportConfig>,
  classNames: readonly string[],
): Promise<Answered> {
  const folder = inputOf(context, 'labels/validation');
  const { exampleIds } = tokens;
  const scores = { exampleIds, logits, rowCount: exampleIds.length };
  if (hasTargets(folder)) {
    const gold = new Map((await readTargets(folder)).map((row) => [row.exampleId, row.targets]));
    return answeredLabels(withTargets(scores, gold, classNames.length), classNames, point);
  }
  const { ofRows } = await readGoldOfRows(folder);
  return answered(labelledOf(scores, ofRows), classNames, point);
}

function hasLabels(task: StudentTask): boolean {
  return task === 'classification' || task === 'multi-label';
}

const BATCH_SIZE = 32;
