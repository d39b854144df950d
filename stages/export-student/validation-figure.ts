import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import { leadFigure } from '#datasets/metrics/figures.ts';
import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { taggedSentences } from '#datasets/tagged-sentences.ts';
import { readTargets } from '#datasets/targets.ts';
import { isValueTask, type ValueTask } from '#datasets/task.ts';
import { answeredExamples, answerKeys } from '#datasets/tokens/token-answers.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { inputOf } from '#stages/folders.ts';
import { entityCounts, entityScore, totalCounts } from '#stages/numerics/entities.ts';
import { multiLabelFigures, regressionFigures } from '#stages/numerics/value-metrics.ts';
import { askTokens } from '#stages/onnx/asked-tokens.ts';
import { type ClassifierOptions, openClassifier } from '#stages/onnx/classifier.ts';
import { openLanguageModel } from '#stages/onnx/language-model.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { OperatingPoint } from '#stages/students/operating-point.ts';
import type { StudentTask } from '#stages/students/student-folder.ts';
import type { ExportConfig } from './index.ts';
import { answersOnValidation, type ValidationAnswers } from './validation-answers.ts';

/** A figure by its name; null where it cannot be told. */
export interface LeadFigure {
  readonly name: string;
  readonly value: number | null;
}

/** What an ONNX file of the export says of the validation rows. */
export interface OnValidation {
  /** The figure that leads the task; its value is null where no row is labelled. */
  readonly figure: LeadFigure;
  /** Undefined of a language model, whose vocabulary of logits a token would be gigabytes. */
  readonly answers: ValidationAnswers | undefined;
}

/** Asks an ONNX file about all validation rows. */
export async function* onValidation(
  context: StageContext<ExportConfig>,
  file: string,
  student: Validated,
): AsyncGenerator<StageEvent, OnValidation, void> {
  const { isLanguageModel, classNames, options } = student;
  if (isLanguageModel) {
    const of = { classCount: classNames.length, padTokenId: options.padTokenId };
    return { figure: yield* perplexityOnValidation(context, file, of), answers: undefined };
  }
  const classifier = await openClassifier(file, options);
  try {
    const answers = await answersOnValidation(context, classifier, student);
    return { figure: await figureOf(context, answers, student), answers };
  } finally {
    await classifier.close();
  }
}

/** Who is asked. */
export interface Validated {
  readonly classNames: readonly string[];
  readonly task: StudentTask;
  readonly isLanguageModel: boolean;
  /** On the test split: they name the figure. */
  readonly metrics: AnyMetrics;
  readonly point: OperatingPoint | undefined;
  readonly options: ClassifierOptions & { readonly padTokenId: number };
}

/** The figure that leads the task, of what a file has answered. */
export async function figureOf(
  context: StageContext<ExportConfig>,
  answers: ValidationAnswers,
  { metrics, classNames, task }: Pick<Validated, 'metrics' | 'classNames' | 'task'>,
): Promise<LeadFigure> {
  const folder = inputOf(context, 'labels/validation');
  const name = leadFigure(metrics);
  const { values } = answers;
  const value =
    isValueTask(task) && values !== undefined
      ? await ofValues(folder, { ...answers, values }, task)
      : await ofClasses(folder, answers, { name, classNames });
  return { name, value };
}

async function* perplexityOnValidation(
  context: StageContext<ExportConfig>,
  file: string,
  model: { readonly padTokenId: number; readonly classCount: number },
): AsyncGenerator<StageEvent, LeadFigure, void> {
  const { classCount } = model;
  const { signal } = context;
  const tokens = await readTokens(inputOf(context, 'tokens/student/validation'));
  const opened = await openLanguageModel(file, { device: 'cpu', ...model });
  try {
    const { goldLogProbs } = yield* askTokens(opened, tokens, { classCount, signal });
    const sum = goldLogProbs.reduce((total, logProb) => total + logProb, 0);
    const { length } = goldLogProbs;
    return { name: 'perplexity', value: length === 0 ? null : Math.exp(-sum / length) };
  } finally {
    await opened.close();
  }
}

async function ofValues(
  folder: string,
  { tokens, values }: ValidationAnswers & { readonly values: Float32Array },
  task: ValueTask,
): Promise<number | null> {
  const { length: rowCount } = tokens.exampleIds;
  const width = values.length / Math.max(1, rowCount);
  const gold = new Map(
    (await readTargets(folder)).map(({ exampleId, targets }) => [exampleId, targets]),
  );
  const rows = [...tokens.exampleIds.entries()].filter(([, exampleId]) => gold.has(exampleId));
  if (rows.length === 0) return null;
  const own = new Float32Array(rows.length * width);
  const targets = new Float32Array(rows.length * width);
  for (const [place, [row, exampleId]] of rows.entries()) {
    own.set(values.subarray(row * width, (row + 1) * width), place * width);
    targets.set(gold.get(exampleId) ?? [], place * width);
  }
  if (task === 'multi-label') return multiLabelFigures(own, targets, width).microF1;
  return regressionFigures(own, targets, width).pearson;
}

async function ofClasses(
  folder: string,
  { tokens, bestIds }: ValidationAnswers,
  { name, classNames }: { readonly name: string; readonly classNames: readonly string[] },
): Promise<number | null> {
  const { ofRows, ofWords } = await readGoldOfRows(folder);
  const positions = tokens.answers?.positions;
  if (name === 'entityF1' && ofWords !== undefined && positions !== undefined) {
    if (ofWords.size === 0) return null;
    const said = { exampleIds: answeredExamples(tokens), positions, predictedIds: bestIds };
    const { sentences } = taggedSentences(said, ofWords, classNames);
    return entityScore(totalCounts(entityCounts(sentences).values())).f1;
  }
  const keys = positions === undefined ? tokens.exampleIds : answerKeys(tokens);
  const compared = keys.flatMap((key, answer) => {
    const gold = ofRows.get(key);
    return gold === undefined ? [] : [gold === bestIds[answer]];
  });
  return compared.length === 0 ? null : compared.filter(Boolean).length / compared.length;
}
