import { readClasses } from '#datasets/classes.ts';
import { isOfValues, readAnyMetrics, readTimings } from '#datasets/metrics/metrics.ts';
import { openSoftLabels, type SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { ReportConfig } from './config.ts';
import {
  featureFacts,
  licenseFacts,
  NothingToReportError,
  readCurves,
  textFacts,
  timingFacts,
  variantsOf,
} from './gather.ts';
import { entropyFigures, factsOf } from './gather-cache.ts';
import { readChoices } from './gather-choices.ts';
import { readRejects, readSplit } from './gather-corpus.ts';
import { readDeployed } from './gather-deployment.ts';
import { readGains } from './gather-gains.ts';
import { readHeads } from './gather-heads.ts';
import { makerFacts } from './gather-makers.ts';
import { readSpreads } from './spread.ts';
import type { ValueModel, ValuesData } from './values-data.ts';

/** Reads and counts what the page of a value task shows; undefined where the models classify. */
export async function gatherValues(
  context: StageContext<ReportConfig>,
): Promise<ValuesData | undefined> {
  const { config, inputs } = context;
  const models = await readValueModels(context);
  if (models.length === 0) return undefined;
  const students = models.filter(({ metrics }) => metrics.subject === 'student');
  const named = students.find(({ metrics }) => metrics.name === config.exported);
  const headline = config.exported === undefined ? students.at(-1) : named;
  if (headline === undefined) throw new NothingToReportError('no student was evaluated');
  const teacher = models.find(({ metrics }) => metrics.subject === 'teacher') ?? null;
  const baseline =
    students.find((one) => one.metrics.name === config.baseline && one !== headline) ?? null;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const splits = [
    await readSplit(inputs, 'train'),
    await readSplit(inputs, 'validation'),
    await readSplit(inputs, 'test'),
  ];
  const reader = await openSoftLabels(inputOf(context, 'rows/train'));
  try {
    return {
      title: config.title,
      models,
      headline,
      teacher,
      gains: await readGains(context, classNames, headline, [baseline, teacher]),
      heads: await readHeads(
        context,
        models.map(({ metrics }) => metrics.name),
      ),
      choices: await readChoices(inputs),
      deployed: await readDeployed(inputs),
      curves: await readCurves(context, models),
      cachedRows: reader.rowCount,
      entropy: headline.metrics.task === 'regression' ? null : await entropyOf(reader),
      corpus: {
        classCount: classNames.length,
        splits: splits.map(({ figures }) => figures).filter(({ examples }) => examples > 0),
        rejects: await readRejects(inputs['rejects']),
      },
      origin: {
        command: config.command,
        resolvedConfig: config.resolvedConfig,
        facts: [
          ...factsOf(reader.meta),
          ...makerFacts(context, models),
          ...timingFacts(headline),
          ...textFacts(splits[2]?.examples ?? []),
          ...featureFacts(models),
          ...licenseFacts(config),
        ],
      },
    };
  } finally {
    await reader.close();
  }
}

async function entropyOf(reader: SoftLabelReader): Promise<ValuesData['entropy']> {
  const entropies: number[] = [];
  for await (const rows of reader.rows()) {
    for (const entropy of rows.entropyNats) entropies.push(entropy);
  }
  return entropyFigures(entropies);
}

async function readValueModels(context: StageContext<ReportConfig>): Promise<ValueModel[]> {
  const order = ['teacher', ...(context.config.teachers ?? []), ...variantsOf(context)];
  const spreads = await readSpreads(context.inputs);
  const models: ValueModel[] = [];
  for (const [colour, name] of order.entries()) {
    const folder = context.inputs[`metrics.${name}`];
    if (folder === undefined) continue;
    const metrics = await readAnyMetrics(folder);
    if (!isOfValues(metrics)) return [];
    const timings = await readTimings(folder);
    models.push({ metrics, timings, colour, spread: spreads.get(name) });
  }
  return models;
}
