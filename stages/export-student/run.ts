import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readClasses } from '#datasets/classes.ts';
import { readShapes } from '#datasets/features.ts';
import { readInitialisation } from '#datasets/initialisation.ts';
import { isOfValues, readAnyMetrics } from '#datasets/metrics.ts';
import { readOperatingPoint } from '#datasets/operating-point.ts';
import { readProbe } from '#datasets/probe.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { openClassifier } from '#stages/onnx/classifier.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { writeDeployment } from '#stages/students/deployment.ts';
import { readsTensorsAlone } from '#stages/students/hugging-face-config.ts';
import { operatingPointOf } from '#stages/students/operating-point.ts';
import { checkProbe } from './check-probe.ts';
import { type ExportConfig } from './index.ts';
import { labelTypes } from './label-types.ts';
import { modelCard, recommendation, recommendedFile } from './model-card.ts';
import { writeQuantizedFile } from './quantized-file.ts';
import {
  copyStudentFiles,
  IncompleteStudentError,
  readLongTexts,
  readStudentConfig,
} from './student-files.ts';
import { exportHeads } from './task-heads.ts';
import { accuracyOf, answersOnValidation } from './validation-answers.ts';
import { writeBaseline } from './validation-baseline.ts';

/** Makes the Hugging Face directory of a student, and proves that its ONNX graph is the trained student. */
export async function* runExportStudent(
  context: StageContext<ExportConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config, signal } = context;
  const [student, exported] = [inputOf(context, 'student'), outputOf(context, 'student')];
  const classNames = await readClasses(inputOf(context, 'classes'));
  const studentConfig = await readStudentConfig(student, classNames);
  const { architecture, padTokenId } = studentConfig;
  const probe = await readProbe(student);
  if (probe.length === 0) {
    throw new IncompleteStudentError(join(student, 'probe.json'), 'it holds no input');
  }
  await copyStudentFiles(student, exported, studentConfig);
  if (!studentConfig.isLanguageModel) {
    await writeFileAtomic(join(exported, 'labels.d.ts'), labelTypes(classNames));
  }
  signal.throwIfAborted();

  const model = join(exported, 'onnx', 'model.onnx');
  const shapes = await readShapes(context.inputs['inputs/validation']);
  const options = { device: 'cpu', padTokenId, shapes } as const;
  const classifier = await openClassifier(model, options);
  try {
    yield { type: 'environment', name: 'onnxruntime', value: classifier.runtimeVersion };
    const maxDifference = await checkProbe(classifier, probe, classNames.length);
    yield { type: 'count', name: 'maxDifference', value: maxDifference };
    const answers = await answersOnValidation(context, classifier, classNames.length);
    const validationAccuracy = await accuracyOf(answers, context, classNames.length);
    if (validationAccuracy !== null) {
      yield { type: 'metric', name: 'validationAccuracy', value: validationAccuracy, step: 0 };
    }
    const metrics = await readAnyMetrics(inputOf(context, 'metrics'));
    const chosen = context.inputs['operating-point'];
    const point = chosen === undefined ? undefined : await readOperatingPoint(chosen);
    const hasOneClass = !isOfValues(metrics) && answers.tokens.answers === undefined;
    if (hasOneClass && answers.logits.length > 0 && !readsTensorsAlone(studentConfig.modelType)) {
      await writeBaseline(exported, answers, { classNames, temperature: point?.temperature ?? 1 });
    }
    const int8 = config.quantize?.includes('int8')
      ? await writeQuantizedFile(context, {
          folder: exported,
          classNames,
          point: point && operatingPointOf(point),
          options,
          validationAccuracy,
        })
      : undefined;
    const recommended = int8 && recommendedFile(int8);
    if (recommended !== undefined) yield { type: 'note', message: recommendation(recommended) };
    await writeDeployment(exported, {
      operating_point: point && operatingPointOf(point),
      recommended_file: recommended,
    });
    const heads = await exportHeads(context, model, options);
    const card = modelCard({
      heads,
      metrics,
      int8,
      operatingPoint: point,
      architecture,
      modelType: studentConfig.modelType,
      classNames,
      maxDifference,
      probeInputs: probe.length,
      validationAccuracy,
      longTexts: await readLongTexts(student, studentConfig),
      teacherLicense: config.teacherLicense,
      furtherLicenses: config.furtherLicenses ?? {},
      corpusLicense: config.corpusLicense,
      startsFrom: config.startsFrom,
      initialisation: await readInitialisation(student),
    });
    await writeFileAtomic(join(exported, 'README.md'), card);
  } finally {
    await classifier.close();
  }
}
