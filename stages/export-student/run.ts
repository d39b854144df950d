import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readClasses } from '#datasets/classes.ts';
import { readShapes } from '#datasets/features.ts';
import { readInitialisation } from '#datasets/initialisation.ts';
import { leadFigure } from '#datasets/metrics/figures.ts';
import { readAnyMetrics } from '#datasets/metrics/metrics.ts';
import { readOperatingPoint } from '#datasets/operating-point.ts';
import { type ProbeInput, readProbe } from '#datasets/probe.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { type ClassifierOptions, openClassifier } from '#stages/onnx/classifier.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { writeDeployment } from '#stages/students/deployment.ts';
import { readsTensorsAlone } from '#stages/students/hugging-face-config.ts';
import { operatingPointOf } from '#stages/students/operating-point.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import { checkProbe } from './check-probe.ts';
import { type ExportConfig } from './index.ts';
import { labelTypes } from './label-types.ts';
import { modelCard, recommendation } from './model-card.ts';
import { writeQuantizedFile } from './quantized-file.ts';
import {
  copyStudentFiles,
  IncompleteStudentError,
  readLongTexts,
  readStudentConfig,
} from './student-files.ts';
import { exportHeads } from './task-heads.ts';
import { learnedSplits } from './training-data.ts';
import { writeBaseline } from './validation-baseline.ts';
import { onValidation } from './validation-figure.ts';

/** Makes the Hugging Face directory of a student, and proves that its ONNX graph is the trained student. */
export async function* runExportStudent(
  context: StageContext<ExportConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config, signal } = context;
  const [trained, exported] = [inputOf(context, 'student'), outputOf(context, 'student')];
  const classNames = await readClasses(inputOf(context, 'classes'));
  const studentConfig = await readStudentConfig(trained, classNames);
  const { architecture, modelType, padTokenId } = studentConfig;
  const probe = await readProbe(trained);
  if (probe.length === 0) {
    throw new IncompleteStudentError(join(trained, 'probe.json'), 'it holds no input');
  }
  await copyStudentFiles(trained, exported, studentConfig);
  if (!studentConfig.isLanguageModel) {
    await writeFileAtomic(join(exported, 'labels.d.ts'), labelTypes(classNames));
  }
  signal.throwIfAborted();

  const model = join(exported, MODEL_FILES.float32);
  const shapes = await readShapes(context.inputs['inputs/validation']);
  const options = { device: 'cpu', padTokenId, shapes } as const;
  const maxDifference = yield* probed(model, options, { probe, classCount: classNames.length });
  const metrics = await readAnyMetrics(inputOf(context, 'metrics'));
  const chosen = context.inputs['operating-point'];
  const point = chosen === undefined ? undefined : await readOperatingPoint(chosen);
  const { task, isLanguageModel } = studentConfig;
  const of = { task, isLanguageModel, classNames, metrics, options };
  const student = { ...of, point: point && operatingPointOf(point) };
  const wantsInt8 = config.quantize?.includes('int8') ?? false;
  // A pass over all asked tokens is for comparing files.
  const { figure, answers } =
    isLanguageModel && !wantsInt8
      ? { figure: { name: leadFigure(metrics), value: null }, answers: undefined }
      : yield* onValidation(context, model, student);
  if (figure.value !== null) {
    const name = `validation${figure.name.charAt(0).toUpperCase()}${figure.name.slice(1)}`;
    yield { type: 'metric', name, value: figure.value, step: 0 };
  }
  if (answers !== undefined && answers.labels.length > 0 && !readsTensorsAlone(modelType)) {
    await writeBaseline(exported, answers, classNames);
  }
  const heads = await exportHeads(context, model, { heads: studentConfig.heads, options });
  const int8 = wantsInt8
    ? yield* writeQuantizedFile(context, { folder: exported, student, figure, heads })
    : undefined;
  if (int8 !== undefined) yield { type: 'note', message: recommendation(int8.recommended) };
  await writeDeployment(exported, {
    text_pairs: config.textPairs,
    operating_point: point && operatingPointOf(point),
    recommended_file: int8?.recommended,
  });
  const card = modelCard({
    heads,
    metrics,
    int8,
    operatingPoint: point,
    architecture,
    modelType,
    textPairs: config.textPairs ?? false,
    classNames,
    maxDifference,
    probeInputs: probe.length,
    license: config.license,
    sources: config.sources,
    splits: await learnedSplits(context, studentConfig),
    validation: figure,
    longTexts: await readLongTexts(trained, studentConfig),
    teacherLicense: config.teacherLicense,
    furtherLicenses: config.furtherLicenses ?? {},
    corpusLicense: config.corpusLicense,
    startsFrom: config.startsFrom,
    initialisation: await readInitialisation(trained),
  });
  await writeFileAtomic(join(exported, 'README.md'), card);
}

/** Proves that the graph is the trained student; returns how far its logits are from the trainer's. */
async function* probed(
  model: string,
  options: ClassifierOptions,
  { probe, classCount }: { readonly probe: readonly ProbeInput[]; readonly classCount: number },
): AsyncGenerator<StageEvent, number, void> {
  const classifier = await openClassifier(model, options);
  try {
    yield { type: 'environment', name: 'onnxruntime', value: classifier.runtimeVersion };
    const maxDifference = await checkProbe(classifier, probe, classCount);
    yield { type: 'count', name: 'maxDifference', value: maxDifference };
    return maxDifference;
  } finally {
    await classifier.close();
  }
}
