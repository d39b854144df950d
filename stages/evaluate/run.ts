import { readClasses } from '#datasets/classes.ts';
import { featuresInOrder, readFeaturesIfAny, readShapes } from '#datasets/features.ts';
import { readGoldOfRows } from '#datasets/gold-of-rows.ts';
import {
  type AnyMetrics,
  isOfValues,
  type Metrics,
  writeMetrics,
  writeTimings,
} from '#datasets/metrics/metrics.ts';
import { readOperatingPoint } from '#datasets/operating-point.ts';
import { valuePredictions, writePredictions } from '#datasets/predictions.ts';
import type { WordAnswers } from '#datasets/tagged-sentences.ts';
import { readTargets } from '#datasets/targets.ts';
import { isLanguageModel, isValueTask } from '#datasets/task.ts';
import { windowsAsRows } from '#datasets/tokens/token-windows.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import type { Classifier } from '#stages/onnx/classifier.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { answered, labelledOf } from '#stages/students/answered.ts';
import { answeredLabels, withTargets } from '#stages/students/answered-labels.ts';
import { type OperatingPoint, operatingPointOf } from '#stages/students/operating-point.ts';
import { wordMetrics } from './entities.ts';
import { judgedClasses, judgedValues } from './judged.ts';
import { lengthsOf } from './length-slices.ts';
import { type Identity, measure } from './measure.ts';
import { measureValues } from './measure-values.ts';
import { type Measured, partMetrics } from './parts.ts';
import { runLanguage } from './run-language.ts';
import { type Scores, teacherScores } from './scores.ts';
import { type EvaluateConfig } from './settings.ts';
import { measureSpeed } from './speed.ts';
import { studentScores, type TestRows } from './student-scores.ts';
import { openSubject, subjectOf } from './subject.ts';

/** Measures one model on the test split. The only stage that reads test labels. */
export async function* runEvaluate(
  context: StageContext<EvaluateConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { config } = context;
  if (isLanguageModel(config.task)) {
    yield* runLanguage(context, config.task);
    return;
  }
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
    const found = await measured(context, identity, scores, { teacher, classNames });
    const parts = yield* partMetrics(context, {
      subject,
      classifier,
      rows: await testRows(context),
      scores,
      classCount: classNames.length,
      judge: found.judge,
    });
    const metrics: AnyMetrics = { ...found.metrics, ...parts };
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
}

async function measured(
  context: StageContext<EvaluateConfig>,
  identity: Identity,
  scores: Scores,
  reference: { readonly teacher: Scores | undefined; readonly classNames: readonly string[] },
): Promise<{ readonly metrics: AnyMetrics; readonly judge: Measured['judge'] }> {
  const { task } = context.config;
  const folder = inputOf(context, 'labels/test');
  if (isValueTask(task)) {
    const rows = await readTargets(folder);
    const gold = new Map(rows.map(({ exampleId, targets }) => [exampleId, targets]));
    const { classNames } = reference;
    const width = classNames.length;
    const point = await pointOf(context);
    return {
      metrics: {
        ...measureValues(identity, scores, gold, { ...reference, task }),
        ...(point && {
          operatingPoint: answeredLabels(withTargets(scores, gold, width), classNames, point),
        }),
      },
      judge: (of) => judgedValues(of, gold, { task, width }),
    };
  }
  const gold = await readGoldOfRows(folder);
  const { classNames } = reference;
  const { tokens } = await testRows(context);
  const lengths = gold.ofWords === undefined ? lengthsOf(tokens) : undefined;
  const point = await pointOf(context);
  const ofRows = measure(identity, scores, gold.ofRows, { ...reference, lengths });
  const ofWords = gold.ofWords && wordMetrics(answersIn(scores), gold.ofWords, classNames);
  const metrics = {
    ...ofRows,
    ...ofWords,
    intervals: { ...ofRows.intervals, ...ofWords?.intervals },
    ...(point && { operatingPoint: answered(labelledOf(scores, gold.ofRows), classNames, point) }),
  };
  const judge = (of: Scores) => judgedClasses(of, gold.ofRows, classNames.length);
  return { metrics, judge: gold.ofWords === undefined ? judge : undefined };
}

/** When a student speaks that has a goal. */
async function pointOf({
  inputs,
}: StageContext<EvaluateConfig>): Promise<OperatingPoint | undefined> {
  const folder = inputs['operating-point'];
  return folder === undefined ? undefined : operatingPointOf(await readOperatingPoint(folder));
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
