import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { listFiles } from '#cache/digest.ts';
import { readClasses } from '#datasets/classes.ts';
import {
  featuresInOrder,
  readFeaturesIfAny,
  readShapes,
  type TensorShape,
} from '#datasets/features.ts';
import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import {
  type AnyMetrics,
  isOfValues,
  type Metrics,
  writeMetrics,
  writeTimings,
} from '#datasets/metrics.ts';
import { valuePredictions, writePredictions } from '#datasets/predictions.ts';
import type { WordAnswers } from '#datasets/tagged-sentences.ts';
import { readTargets } from '#datasets/targets.ts';
import { isValueTask, TASKS } from '#datasets/task.ts';
import { windowsAsRows } from '#datasets/token-windows.ts';
import { readTokens } from '#datasets/tokens.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { countParameters } from '#stages/onnx/parameter-count.ts';
import { defineStage, type StageContext, type StageEvent } from '#stages/stage.ts';
import { countSafetensors } from '#stages/students/safetensors.ts';
import { wordMetrics } from './entities.ts';
import { type Identity, measure } from './measure.ts';
import { measureValues } from './measure-values.ts';
import { type Scores, teacherScores } from './scores.ts';
import { measureSpeed } from './speed.ts';
import { studentScores, type TestRows } from './student-scores.ts';

const configSchema = z.strictObject({
  subject: z.enum(['teacher', 'student']).describe('What is evaluated.'),
  name: z.string().min(1).describe('Name of it in tables: teacher, or the variant.'),
  task: z.enum(TASKS).optional().describe('What it answers. Default: classification.'),
  device: z
    .enum(['auto', 'cpu', 'cuda'])
    .default('cpu')
    .describe('Where it runs. Latency on CPU is what most students are deployed for.'),
  output: z
    .string()
    .optional()
    .describe('Of a teacher: its output with the logits. Default: logits, or else the first.'),
  deviceId: z.int().min(0).optional().describe('Of device: cuda, which of several GPUs.'),
  threads: z.int().min(1).optional().describe('Threads inside an operator. Default: all cores.'),
  latencyRuns: z
    .int()
    .min(1)
    .default(50)
    .describe('Test rows that are run one by one to time them.'),
});

type EvaluateConfig = z.infer<typeof configSchema>;

/** Measures one model on the test split. The only stage that reads test labels. */
export const evaluate = defineStage<EvaluateConfig>({
  name: 'evaluate',
  version: 1,
  configSchema,
  // Logits on CPU do not depend on the number of threads, those on CUDA on which GPU; timings are volatile,
  // and a teacher's output is fetched to time it and for nothing else.
  speedKnobs: ['output', 'deviceId', 'threads', 'latencyRuns'],
  outputs: {
    metrics: { formatVersion: 1, volatile: ['timings.json'] },
    predictions: { formatVersion: 1 },
  },

  async *run(context) {
    const { config } = context;
    const subject = await subjectOf(context);
    const classNames = await readClasses(inputOf(context, 'classes'));
    const tensors = await readShapes(context.inputs['inputs/test']);
    const asked = context.inputs['rows/test'];
    const teacher = asked === undefined ? undefined : await teacherScores(asked, classNames);
    const classifier = yield* openSubject(subject, config, tensors);
    try {
      const scores = yield* scoresOf(context, { classifier, teacher, classNames });
      const identity = {
        ...identityOf(config),
        parameters: subject.parameters,
        fileBytes: subject.fileBytes,
      };
      const metrics = await measured(context, identity, scores, { teacher, classNames });
      yield* remarks(metrics.rows, scores, isOfValues(metrics) ? 0 : metrics.goldOutsideTopK);
      if (!isOfValues(metrics)) yield* wordRemarks(metrics);
      await writeMetrics(outputOf(context, 'metrics'), metrics);
      await writePredictions(
        outputOf(context, 'predictions'),
        'test',
        isOfValues(metrics) ? valuePredictions(scores.exampleIds, scores.logits) : scores,
      );
      for (const [name, value] of leadingFigures(metrics)) {
        yield { type: 'metric', name, value, step: 0 };
      }
      if (classifier !== undefined) await timeIt(context, classifier);
    } finally {
      await classifier?.close();
    }
  },
});

async function measured(
  context: StageContext<EvaluateConfig>,
  identity: Identity,
  scores: Scores,
  reference: { readonly teacher: Scores | undefined; readonly classNames: readonly string[] },
): Promise<AnyMetrics> {
  const { task } = context.config;
  const folder = inputOf(context, 'labels/test');
  if (isValueTask(task)) {
    const rows = await readTargets(folder);
    const gold = new Map(rows.map(({ exampleId, targets }) => [exampleId, targets]));
    return measureValues(identity, scores, gold, { ...reference, task });
  }
  const gold = await readGoldOfRows(folder);
  const { classNames } = reference;
  return {
    ...measure(identity, scores, gold.ofRows, reference),
    ...(gold.ofWords && wordMetrics(answersIn(scores), gold.ofWords, classNames)),
  };
}

function leadingFigures(metrics: AnyMetrics): [name: string, value: number][] {
  if (!isOfValues(metrics)) return [['accuracy', metrics.accuracy]];
  return Object.entries(metrics.figures).flatMap(([name, value]): [string, number][] =>
    value === null ? [] : [[name, value]],
  );
}

function answersIn({ exampleIds, positions, predictedIds }: Scores): WordAnswers {
  return { exampleIds, positions: positions ?? new Int32Array(), predictedIds };
}

function* wordRemarks({ words }: Metrics): Generator<StageEvent> {
  if (words === undefined) return;
  if (words.entities !== null) {
    yield { type: 'metric', name: 'entityF1', value: words.entities.f1, step: 0 };
  }
  if (words.unanswered > 0) {
    const message = `${words.unanswered.toLocaleString('en-US')} labelled test words have no token that the model sees (cut off by maxLength, or nothing to the tokenizer): they count as O in figures of entities`;
    yield { type: 'note', message };
  }
}

interface Subject {
  /** The .onnx file first, then the files with its external weights; none of a teacher whose answers stand in files. */
  readonly modelFiles: readonly string[];
  readonly fileBytes: number;
  readonly parameters: number | null;
  readonly padTokenId: number;
  /** Of a teacher: where its logits are; a student calls them logits. */
  readonly output?: string | undefined;
}

async function* openSubject(
  { modelFiles: [model], padTokenId, output }: Subject,
  { device, deviceId, threads }: EvaluateConfig,
  shapes: Readonly<Record<string, TensorShape>>,
): AsyncGenerator<StageEvent, Classifier | undefined, void> {
  if (model === undefined) return undefined;
  const options = { device, deviceId, threads, padTokenId, output, shapes };
  const classifier = await openClassifier(model, options);
  yield { type: 'environment', name: 'provider', value: classifier.provider };
  yield { type: 'environment', name: 'onnxruntime', value: classifier.runtimeVersion };
  if (classifier.withoutCuda !== undefined) {
    yield { type: 'note', message: `runs on the CPU: ${classifier.withoutCuda}` };
  }
  return classifier;
}

async function subjectOf(context: StageContext<EvaluateConfig>): Promise<Subject> {
  if (context.config.subject === 'teacher') {
    const modelFiles = await teacherModel(context);
    const parameters = modelFiles[0] === undefined ? null : countParameters(modelFiles[0]);
    // The cache holds the teacher's answers; it only runs to be timed, and any padding will do.
    const output = context.config.output ?? logitsName(modelFiles[0]);
    const fileBytes = await bytesOf(modelFiles);
    return { modelFiles, fileBytes, parameters, padTokenId: 0, output };
  }
  const student = inputOf(context, 'student');
  const modelFiles = [join(student, 'onnx', 'model.onnx')];
  return {
    modelFiles,
    fileBytes: await bytesOf(modelFiles),
    parameters: await countSafetensors(join(student, 'model.safetensors')),
    padTokenId: await padTokenOf(join(student, 'config.json')),
  };
}

/** Of a file that the user named, of an encoder that was given a head, or none. */
async function teacherModel(context: StageContext<EvaluateConfig>): Promise<readonly string[]> {
  const fitted = context.inputs['teacher'];
  if (fitted === undefined) return context.files['model'] ?? [];
  const folder = join(fitted, 'onnx');
  const data = (await listFiles(folder)).filter((name) => name !== 'model.onnx');
  return ['model.onnx', ...data].map((name) => join(folder, name));
}

/** As stage one finds them: `logits`, or else the first output. */
function logitsName(model: string | undefined): string | undefined {
  if (model === undefined) return undefined;
  const names = skimModelFile(model).outputs.map(({ name }) => name);
  return names.includes('logits') ? 'logits' : names[0];
}

async function* scoresOf(
  context: StageContext<EvaluateConfig>,
  { classifier, teacher, classNames }: Loaded,
): AsyncGenerator<StageEvent, Scores, void> {
  if (context.config.subject === 'teacher' || classifier === undefined) {
    return teacher ?? teacherScores(inputOf(context, 'rows/test'), classNames);
  }
  const options = { classCount: classNames.length, signal: context.signal };
  return yield* studentScores(classifier, await testRows(context), options);
}

async function testRows(context: StageContext<EvaluateConfig>): Promise<TestRows> {
  const folder = inputOf(context, `tokens/${context.config.subject}/test`);
  const tokens = windowsAsRows(await readTokens(folder));
  const features = await readFeaturesIfAny(context.inputs['inputs/test']);
  return { tokens, ...(features && { features: featuresInOrder(features, tokens.exampleIds) }) };
}

interface Loaded {
  readonly classifier: Classifier | undefined;
  readonly teacher: Scores | undefined;
  readonly classNames: readonly string[];
}

function* remarks(
  labelled: number,
  scores: Scores,
  goldOutsideTopK: number,
): Generator<StageEvent> {
  if (labelled < scores.rowCount) {
    const rest = scores.rowCount - labelled;
    yield {
      type: 'note',
      message: `${rest} test ${scores.positions ? 'words' : 'rows'} have no gold label; only agreement counts them`,
    };
  }
  if (goldOutsideTopK > 0) {
    yield {
      type: 'note',
      message: `the cache keeps no exact probability of the gold class of ${goldOutsideTopK} of the test rows: the teacher's negative log-likelihood is a lower bound`,
    };
  }
}

async function timeIt(
  context: StageContext<EvaluateConfig>,
  classifier: Classifier,
): Promise<void> {
  const { config } = context;
  const speed = await measureSpeed(classifier, await testRows(context), config.latencyRuns);
  await writeTimings(outputOf(context, 'metrics'), {
    formatVersion: 1,
    provider: classifier.provider,
    runtime: `onnxruntime ${classifier.runtimeVersion}`,
    threads: config.threads ?? null,
    ...speed,
  });
}

function identityOf({ name, subject }: EvaluateConfig) {
  return { name, subject };
}

async function bytesOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Hugging Face's config names the padding token; 0 where it does not. */
async function padTokenOf(file: string): Promise<number> {
  const config = z.object({ pad_token_id: z.int().nullish() });
  return config.parse(JSON.parse(await readFile(file, 'utf8'))).pad_token_id ?? 0;
}
