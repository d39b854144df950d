import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readClasses } from '#datasets/classes.ts';
import { featuresInOrder, readFeaturesIfAny, readShapes } from '#datasets/features.ts';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readLabels } from '#datasets/labels.ts';
import { readAnyMetrics } from '#datasets/metrics.ts';
import { readProbe } from '#datasets/probe.ts';
import { readTokens } from '#datasets/tokens.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { lengthBatches, tokenRow } from '#stages/onnx/token-batches.ts';
import { defineStage, type StageContext } from '#stages/stage.ts';
import { checkProbe } from './check-probe.ts';
import { modelCard } from './model-card.ts';
import { copyStudentFiles, IncompleteStudentError, readStudentConfig } from './student-files.ts';

const configSchema = z.strictObject({
  name: z.string().min(1).describe('Variant that is exported.'),
  teacherLicense: z.string().optional().describe('Licence of the teacher, for the model card.'),
  corpusLicense: z.string().optional().describe('Licence of the corpus, for the model card.'),
});

type ExportConfig = z.infer<typeof configSchema>;

/** Makes the Hugging Face directory of a student, and proves that its ONNX graph is the trained student. */
export const exportStudent = defineStage<ExportConfig>({
  name: 'export-student',
  version: 1,
  configSchema,
  speedKnobs: [],
  outputs: { student: { formatVersion: 1 } },

  rehearsal: (config) => config,

  async *run(context) {
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
    signal.throwIfAborted();

    const model = join(exported, 'onnx', 'model.onnx');
    const shapes = await readShapes(context.inputs['inputs/validation']);
    const classifier = await openClassifier(model, { device: 'cpu', padTokenId, shapes });
    try {
      yield { type: 'environment', name: 'onnxruntime', value: classifier.runtimeVersion };
      const maxDifference = await checkProbe(classifier, probe);
      yield { type: 'count', name: 'maxDifference', value: maxDifference };
      const validationAccuracy = await accuracyOnValidation(context, classifier);
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
        teacherLicense: config.teacherLicense,
        corpusLicense: config.corpusLicense,
      });
      await writeFileAtomic(join(exported, 'README.md'), card);
    } finally {
      await classifier.close();
    }
  },
});

/** Accuracy of the exported file itself on the labelled validation rows; null where there are none. */
async function accuracyOnValidation(
  context: StageContext<ExportConfig>,
  classifier: Classifier,
): Promise<number | null> {
  const tokens = await readTokens(inputOf(context, 'tokens/student/validation'));
  const table = await readFeaturesIfAny(context.inputs['inputs/validation']);
  const features = table && featuresInOrder(table, tokens.exampleIds);
  const gold = goldClasses(await readLabels(inputOf(context, 'labels/validation')));
  const labelled = tokens.exampleIds.flatMap((exampleId, row) =>
    gold.has(exampleId) ? [row] : [],
  );
  let correct = 0;
  for (const batch of lengthBatches(tokens, labelled, BATCH_SIZE, features)) {
    context.signal.throwIfAborted();
    const logits = await classifier.logits(batch.map((row) => tokenRow(tokens, row, features)));
    const width = logits.length / batch.length;
    correct += batch.filter((row, index) => {
      const own = logits.subarray(index * width, (index + 1) * width);
      const best = own.indexOf(own.reduce((high, logit) => Math.max(high, logit), -Infinity));
      return best === gold.get(tokens.exampleIds[row] ?? '');
    }).length;
  }
  return labelled.length === 0 ? null : correct / labelled.length;
}

const BATCH_SIZE = 32;
