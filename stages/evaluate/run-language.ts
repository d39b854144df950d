import { readClasses } from '#datasets/classes.ts';
import { writeMetrics, writeTimings } from '#datasets/metrics/metrics.ts';
import { type Predictions, writePredictions } from '#datasets/predictions.ts';
import type { LanguageModelTask } from '#datasets/task.ts';
import {
  answeredExamples,
  answerKeys,
  answersOf,
  rowKeys,
} from '#datasets/tokens/token-answers.ts';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { inputOf, outputOf } from '#stages/folders.ts';
import { askTokens, languageBatchSize } from '#stages/onnx/asked-tokens.ts';
import { openLanguageModel, type TokenAnswers } from '#stages/onnx/language-model.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { measureTokens, type SaidTokens } from './measure-tokens.ts';
import { teacherScores } from './scores.ts';
import type { EvaluateConfig } from './settings.ts';
import { measureSpeed } from './speed.ts';
import { openSubject, type Subject, subjectOf } from './subject.ts';

/** Measures a language model at the asked tokens of the test split: the teacher by its cache, a student by its graph. */
export async function* runLanguage(
  context: StageContext<EvaluateConfig>,
  task: LanguageModelTask,
): AsyncGenerator<StageEvent, void, void> {
  const { config } = context;
  const subject = await subjectOf(context);
  const classNames = await readClasses(inputOf(context, 'classes'));
  const tokens = await readTokens(inputOf(context, `tokens/${config.subject}/test`));
  const teacher = await teacherTokens(inputOf(context, 'rows/test'), tokens, classNames);
  const said =
    config.subject === 'teacher'
      ? teacher
      : yield* studentTokens(context, { subject, tokens, classCount: classNames.length });
  const { parameters, fileBytes } = subject;
  const identity = { name: config.name, subject: config.subject, parameters, fileBytes };
  const metrics = measureTokens(identity, said, tokens, { teacher, task });
  if (metrics.goldOutsideTopK > 0) {
    yield {
      type: 'note',
      message: `the cache keeps no exact probability of the right token at ${metrics.goldOutsideTopK.toLocaleString('en-US')} of ${metrics.rows.toLocaleString('en-US')} places: the teacher's perplexity is at least what is told`,
    };
  }
  await writeMetrics(outputOf(context, 'metrics'), metrics);
  await writePredictions(outputOf(context, 'predictions'), 'test', said.predictions);
  for (const [name, value] of Object.entries(metrics.figures)) {
    if (value !== null) yield { type: 'metric', name, value, step: 0 };
  }
  yield* timeIt(context, { subject, tokens, classCount: classNames.length });
}

type Said = SaidTokens & { readonly predictions: Predictions };

async function teacherTokens(
  folder: string,
  tokens: TokenTable,
  classNames: readonly string[],
): Promise<Said> {
  const scores = await teacherScores(folder, classNames);
  const originals = answersOf(tokens).originals ?? new Int32Array();
  const goldOf = new Map(answerKeys(tokens).map((key, answer) => [key, originals[answer] ?? -1]));
  const keys = rowKeys(scores);
  const gold = keys.map((key, row) => scores.logProbOf(row, goldOf.get(key) ?? -1));
  return {
    keys,
    bestIds: scores.predictedIds,
    goldLogProbs: gold.map(({ value }) => value),
    bounds: gold.filter(({ isBound }) => isBound).length,
    predictions: withoutLogits(scores),
  };
}

/** A vocabulary of logits a token would be gigabytes. */
function withoutLogits(predictions: Predictions): Predictions {
  const { rowCount, exampleIds, positions, predictedIds, confidence } = predictions;
  const said = { rowCount, exampleIds, predictedIds, confidence, logits: new Float32Array() };
  return positions === undefined ? said : { ...said, positions };
}

interface Measured {
  readonly subject: Subject;
  readonly tokens: TokenTable;
  readonly classCount: number;
}

async function* studentTokens(
  { config, signal }: StageContext<EvaluateConfig>,
  { subject, tokens, classCount }: Measured,
): AsyncGenerator<StageEvent, Said, void> {
  const [path = ''] = subject.modelFiles;
  const { device, deviceId, threads } = config;
  const options = { device, deviceId, threads, padTokenId: subject.padTokenId, classCount };
  const model = await openLanguageModel(subject.bytes ?? path, options);
  try {
    yield { type: 'environment', name: 'provider', value: model.provider };
    yield { type: 'environment', name: 'onnxruntime', value: model.runtimeVersion };
    return saidOf(tokens, yield* askTokens(model, tokens, { classCount, signal }));
  } finally {
    await model.close();
  }
}

function saidOf(tokens: TokenTable, answers: TokenAnswers): Said {
  const { bestIds, bestLogProbs, goldLogProbs } = answers;
  const predictions = {
    rowCount: bestIds.length,
    exampleIds: answeredExamples(tokens),
    positions: answersOf(tokens).positions,
    predictedIds: bestIds,
    confidence: bestLogProbs.map(Math.exp),
    logits: new Float32Array(),
  };
  return { keys: answerKeys(tokens), bestIds, goldLogProbs, bounds: 0, predictions };
}

/** The whole of a program's answer is timed, logits of every token: what others will run. */
async function* timeIt(
  context: StageContext<EvaluateConfig>,
  { subject, tokens, classCount }: Measured,
): AsyncGenerator<StageEvent, void, void> {
  const { config } = context;
  const classifier = yield* openSubject(subject, config, {});
  if (classifier === undefined) return;
  try {
    const batchSize = languageBatchSize(tokens, classCount);
    const speed = await measureSpeed(classifier, { tokens }, config.latencyRuns, { batchSize });
    await writeTimings(outputOf(context, 'metrics'), {
      formatVersion: 1,
      provider: classifier.provider,
      runtime: `onnxruntime ${classifier.runtimeVersion}`,
      threads: config.threads ?? null,
      ...speed,
    });
  } finally {
    await classifier.close();
  }
}
