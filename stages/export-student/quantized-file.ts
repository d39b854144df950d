import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { isBetterWhenLess } from '#datasets/metrics/figures.ts';
import { type AnyMetrics, readAnyMetrics } from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES, isShareFigure } from '#datasets/metrics/value-metrics.ts';
import { type Answered, reachesGoal } from '#datasets/operating-point.ts';
import { inputOf } from '#stages/folders.ts';
import { quantized } from '#stages/onnx/quantize.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import type { RecommendedFile } from '#stages/students/deployment.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import type { ExportConfig } from './index.ts';
import { type ExportedHead, type QuantizedHead, quantizedHeads } from './task-heads.ts';
import { answeredAt } from './validation-answers.ts';
import { type LeadFigure, onValidation, type Validated } from './validation-figure.ts';

/** The file with int8 weights beside the float32 one. */
export interface QuantizedFile {
  /** What it reaches on validation. */
  readonly figure: LeadFigure;
  /** On the test split. */
  readonly metrics: AnyMetrics;
  /** What it answers of validation at the operating point, where there is one. */
  readonly answered: Answered | undefined;
  /** The same of further heads. */
  readonly heads: readonly QuantizedHead[];
  /** Which of the two to deploy. */
  readonly recommended: RecommendedFile;
}

/** Writes onnx/model_quantized.onnx, as transformers.js calls it, and asks it about validation. */
export async function* writeQuantizedFile(
  context: StageContext<ExportConfig>,
  float32: {
    readonly folder: string;
    readonly student: Validated;
    /** What the float32 file reaches on validation. */
    readonly figure: LeadFigure;
    readonly heads: readonly ExportedHead[];
  },
): AsyncGenerator<StageEvent, QuantizedFile, void> {
  const { folder, student } = float32;
  const model = await readFile(join(folder, MODEL_FILES.float32));
  const bytes = quantized(model);
  const file = join(folder, MODEL_FILES.int8);
  await writeFileAtomic(file, bytes);
  const { figure, answers } = yield* onValidation(context, file, student);
  const { point, classNames } = student;
  const answered = point && answers && (await answeredAt(point, answers, context, classNames));
  const isSmaller = bytes.length < model.length;
  const heads = yield* quantizedHeads(float32.heads, file);
  return {
    heads,
    figure,
    answered,
    metrics: await readAnyMetrics(inputOf(context, 'metrics/int8')),
    recommended: recommendedFile(
      { float32: float32.figure, int8: figure, answered, heads },
      { isSmaller },
    ),
  };
}

/** Which file to deploy: the smallest that keeps the figure that leads the task, and each head's, on validation, and the goal. */
export function recommendedFile(
  {
    float32,
    int8,
    answered,
    heads = [],
  }: {
    readonly float32: LeadFigure;
    readonly int8: LeadFigure;
    /** By the int8 file at the operating point. */
    readonly answered?: Answered | undefined;
    readonly heads?: readonly Pick<QuantizedHead, 'name' | 'figures'>[];
  },
  { isSmaller }: { readonly isSmaller: boolean },
): RecommendedFile {
  const figure = FIGURE_NAMES[float32.name] ?? float32.name;
  const within = shownMargin(float32.name);
  if (answered !== undefined && !keepsGoal(answered)) {
    const because = `int8 weights miss ${answered.goal} on validation, with the thresholds of float32`;
    return { file: MODEL_FILES.float32, because };
  }
  const lost = heads.find(({ figures }) => !keepsFigure(figures.float32, figures.int8));
  if (isSmaller && keepsFigure(float32, int8) && lost !== undefined) {
    const { name, value } = lost.figures.float32;
    const of = `${FIGURE_NAMES[name] ?? name} of the head ${lost.name} on validation`;
    const because =
      value === null || lost.figures.int8.value === null
        ? `no ${of} says whether int8 weights would do`
        : `int8 weights cost more than ${shownMargin(name)} of the ${of}`;
    return { file: MODEL_FILES.float32, because };
  }
  if (isSmaller && keepsFigure(float32, int8)) {
    const ofHeads = heads.length === 0 ? '' : ', and what leads each further head';
    const kept = answered === undefined ? `the ${figure}` : `the ${figure} and ${answered.goal}`;
    const because = `the smallest file that keeps ${kept} on validation within ${within}${ofHeads}`;
    return { file: MODEL_FILES.int8, because };
  }
  const because =
    float32.value === null || int8.value === null
      ? `no ${figure} on validation says whether int8 weights would do`
      : `int8 weights cost more than ${within} of the ${figure} on validation, or are not smaller`;
  return { file: MODEL_FILES.float32, because };
}

/** Do int8 weights reach the goal whose thresholds were chosen with float32 ones? */
export function keepsGoal(answered: Answered): boolean {
  return reachesGoal(answered, MOST_LOST);
}

/** Does a smaller file that says this keep what another one says? Never known where nothing was compared. */
function keepsFigure({ name, value: before }: LeadFigure, { value: now }: LeadFigure): boolean {
  if (before === null || now === null) return false;
  return isBetterWhenLess(name) ? now <= before * (1 + MOST_MORE) : now >= before - MOST_LOST;
}

/** How much of a figure a smaller file may cost. */
function shownMargin(name: string): string {
  if (isBetterWhenLess(name)) return `${MOST_MORE * 100} %`;
  return isShareFigure(name) ? `${MOST_LOST * 100} points` : `${MOST_LOST}`;
}

/** 0.3 points of a share; of a correlation as much. */
const MOST_LOST = 0.003;
/** Of an error: 1 % more, which of a perplexity is 0.01 nats a token. */
const MOST_MORE = 0.01;
