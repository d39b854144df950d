import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readClasses } from '#datasets/classes.ts';
import { featuresInOrder, readFeaturesIfAny, readShapes } from '#datasets/features.ts';
import { labelledExamples, readGoldOfRows } from '#datasets/gold-of-rows.ts';
import { readInitialisation } from '#datasets/initialisation.ts';
import { readAnyMetrics } from '#datasets/metrics.ts';
import { readProbe } from '#datasets/probe.ts';
import { answerKeys } from '#datasets/token-answers.ts';
import { readTokens, type TokenTable } from '#datasets/tokens.ts';
import { highestPlaces } from '#datasets/top-classes.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { answersPerRow, answersTo } from '#stages/onnx/answers.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { lengthBatches } from '#stages/onnx/token-batches.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { checkProbe } from './check-probe.ts';
import { type ExportConfig } from './index.ts';
import { labelTypes } from './label-types.ts';
import { modelCard } from './model-card.ts';
import {
  copyStudentFiles,
  IncompleteStudentError,
  readLongTexts,
  readStudentConfig,
} from './student-files.ts';

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
  await writeFileAtomic(join(exported, 'labels.d.ts'), labelTypes(classNames));
  signal.throwIfAborted();

  const model = join(exported, 'onnx', 'model.onnx');
  const shapes = await readShapes(context.inputs['inputs/validation']);
  const classifier = await openClassifier(model, { device: 'cpu', padTokenId, shapes });
  try {
    yield { type: 'environment', name: 'onnxruntime', value: classifier.runtimeVersion };
    const maxDifference = await checkProbe(classifier, probe, classNames.length);
    yield { type: 'count', name: 'maxDifference', value: maxDifference };
    const validationAccuracy = await accuracyOnValidation(context, classifier, classNames.length);
    if (validationAccuracy !== null) {
      yield { type: 'metric', name: 'validationAccuracy', value: validationAccuracy, step: 0 };
    }
    const card = modelCard({
      metrics: await readAnyMetrics(inputOf(context, 'metrics')),
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

/** Accuracy of the exported file itself on the labelled validation rows; null where there are none. */
async function accuracyOnValidation(
  context: StageContext<ExportConfig>,
  classifier: Classifier,
  classCount: number,
): Promise<number | null> {
  const tokens = await readTokens(inputOf(context, 'tokens/student/validation'));
  const table = await readFeaturesIfAny(context.inputs['inputs/validation']);
  const features = table && featuresInOrder(table, tokens.exampleIds);
  const { labelled, goldOf } = await validationGold(context, tokens);
  let [correct, compared] = [0, 0];
  for (const batch of lengthBatches(tokens, labelled, BATCH_SIZE, features)) {
    context.signal.throwIfAborted();
    const answers = await answersTo(classifier, { tokens, features }, batch, classCount);
    for (const [index, row] of batch.entries()) {
      const gold = goldOf(row);
      const best = highestPlaces(answers[index] ?? new Float32Array(), classCount);
      compared += gold.filter((labelId) => labelId >= 0).length;
      correct += gold.filter((labelId, answer) => labelId >= 0 && labelId === best[answer]).length;
    }
  }
  return compared === 0 ? null : correct / compared;
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
