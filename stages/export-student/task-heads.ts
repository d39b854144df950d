import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readClasses } from '#datasets/classes.ts';
import { type AnyMetrics, readAnyMetrics } from '#datasets/metrics/metrics.ts';
import { readProbe } from '#datasets/probe.ts';
import { contextOfHead, inputOf, outputOf } from '#stages/folders.ts';
import { openClassifier } from '#stages/onnx/classifier.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { taskOf } from '#stages/students/student-folder.ts';
import { headFolder, headOutput, type TaskHeads } from '#stages/students/task-heads.ts';
import { checkProbe } from './check-probe.ts';
import type { HeadFacts } from './heads-card.ts';
import type { ExportConfig } from './index.ts';
import { labelTypes } from './label-types.ts';
import { answersOnValidation } from './validation-answers.ts';
import { figureOf, type LeadFigure, onValidation, type Validated } from './validation-figure.ts';

/** A further head whose export is proven. */
export interface ExportedHead extends Omit<HeadFacts, 'int8'> {
  readonly context: StageContext<ExportConfig>;
  readonly student: Validated;
}

/** Proves that the exported graph answers as each further head was trained, and writes the head's labels as a type. */
export async function exportHeads(
  context: StageContext<ExportConfig>,
  model: string,
  {
    heads,
    options,
  }: { readonly heads: TaskHeads | undefined; readonly options: Validated['options'] },
): Promise<ExportedHead[]> {
  const exported: ExportedHead[] = [];
  for (const [name, licenses] of Object.entries(context.config.heads ?? {})) {
    const own = contextOfHead(context, name);
    const classNames = await readClasses(inputOf(own, 'classes'));
    const probe = await readProbe(join(inputOf(context, 'student'), headFolder(name)));
    const metrics = await readAnyMetrics(inputOf(own, 'metrics'));
    const ofHead = { ...options, output: headOutput(name) };
    const task = taskOf([], heads?.[name]?.problem_type);
    const of = { classNames, task, metrics, point: undefined, options: ofHead };
    const student = { ...of, isLanguageModel: false };
    const classifier = await openClassifier(model, ofHead);
    try {
      const maxDifference = await checkProbe(classifier, probe, classNames.length);
      const answers = await answersOnValidation(own, classifier, student);
      const validation = await figureOf(own, answers, student);
      const facts = { name, classNames, metrics, validation, maxDifference, ...licenses };
      exported.push({ ...facts, context: own, student });
    } finally {
      await classifier.close();
    }
    const types = join(outputOf(context, 'student'), headFolder(name), 'labels.d.ts');
    await writeFileAtomic(types, labelTypes(classNames));
  }
  return exported;
}

/** What a further head of the file with int8 weights reaches. */
export interface QuantizedHead {
  readonly name: string;
  /** On its validation rows, beside what the float32 file reaches there. */
  readonly figures: Record<'float32' | 'int8', LeadFigure>;
  /** On its test rows. */
  readonly metrics: AnyMetrics;
}

/** Asks the file with int8 weights about the validation rows of each further head. */
export async function* quantizedHeads(
  heads: readonly ExportedHead[],
  file: string,
): AsyncGenerator<StageEvent, QuantizedHead[], void> {
  const found: QuantizedHead[] = [];
  for (const { name, context, student, validation } of heads) {
    const { figure } = yield* onValidation(context, file, student);
    const metrics = await readAnyMetrics(inputOf(context, 'metrics/int8'));
    found.push({ name, figures: { float32: validation, int8: figure }, metrics });
  }
  return found;
}
