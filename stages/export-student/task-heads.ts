import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readClasses } from '#datasets/classes.ts';
import { readMetrics } from '#datasets/metrics/metrics.ts';
import { readProbe } from '#datasets/probe.ts';
import { contextOfHead, inputOf, outputOf } from '#stages/folders.ts';
import { openClassifier } from '#stages/onnx/classifier.ts';
import type { StageContext } from '#stages/stage.ts';
import { headFolder, headOutput } from '#stages/students/task-heads.ts';
import { checkProbe } from './check-probe.ts';
import type { HeadFacts } from './heads-card.ts';
import type { ExportConfig } from './index.ts';
import { labelTypes } from './label-types.ts';
import { answersOnValidation } from './validation-answers.ts';
import { figureOf, type Validated } from './validation-figure.ts';

/** Proves that the exported graph answers as each further head was trained, and writes the head's labels as a type. */
export async function exportHeads(
  context: StageContext<ExportConfig>,
  model: string,
  options: Validated['options'],
): Promise<HeadFacts[]> {
  const facts: HeadFacts[] = [];
  for (const [name, licenses] of Object.entries(context.config.heads ?? {})) {
    const own = contextOfHead(context, name);
    const classNames = await readClasses(inputOf(own, 'classes'));
    const probe = await readProbe(join(inputOf(context, 'student'), headFolder(name)));
    const metrics = await readMetrics(inputOf(own, 'metrics'));
    const ofHead = { ...options, output: headOutput(name) };
    const classifier = await openClassifier(model, ofHead);
    try {
      const maxDifference = await checkProbe(classifier, probe, classNames.length);
      const student = { classNames, task: 'classification', metrics, point: undefined } as const;
      const answers = await answersOnValidation(own, classifier, student);
      const { value: validationAccuracy } = await figureOf(own, answers, student);
      facts.push({ name, classNames, metrics, validationAccuracy, maxDifference, ...licenses });
    } finally {
      await classifier.close();
    }
    const types = join(outputOf(context, 'student'), headFolder(name), 'labels.d.ts');
    await writeFileAtomic(types, labelTypes(classNames));
  }
  return facts;
}
