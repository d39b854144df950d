import { Failure } from '#cache/failure.ts';
import { readClasses } from '#datasets/classes.ts';
import type { StoredExample } from '#datasets/example.ts';
import { readMetrics, readTimings } from '#datasets/metrics/metrics.ts';
import { inputOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { ReportConfig } from './config.ts';
import { readCacheFigures } from './gather-cache.ts';
import { readChoices } from './gather-choices.ts';
import { readRejects, readSplit } from './gather-corpus.ts';
import { readDeployed } from './gather-deployment.ts';
import { readDoubts } from './gather-doubts.ts';
import { readGains } from './gather-gains.ts';
import { readHeads } from './gather-heads.ts';
import { readCurve } from './gather-log.ts';
import { makerFacts } from './gather-makers.ts';
import { readMistakes } from './gather-mistakes.ts';
import { readRelabelling } from './gather-relabelling.ts';
import type { Fact, ModelResult, ReportData, TrainingCurve } from './report-data.ts';
import { whyNoFeatures } from './sections/parts.ts';
import { readSpreads } from './spread.ts';
import { textsUnder } from './texts.ts';

/** A report needs at least one evaluated student. */
export class NothingToReportError extends Failure {
  constructor(missing: string) {
    super(
      'usage',
      'E_REPORT_EMPTY',
      `report: ${missing}`,
      'name a variant of decant.yaml whose evaluate stage takes part in the run',
    );
  }
}

/** Reads and counts everything that the page shows. */
export async function gather(context: StageContext<ReportConfig>): Promise<ReportData> {
  const { config, inputs } = context;
  const classNames = await readClasses(inputOf(context, 'classes'));
  const models = await readModels(context);
  const { headline, teacher, baseline } = rolesIn(models, config);
  const cache = await readCacheFigures(inputOf(context, 'rows/train'));
  const train = await readSplit(inputs, 'train');
  const validation = await readSplit(inputs, 'validation');
  const test = await readSplit(inputs, 'test');
  return {
    title: config.title,
    models,
    headline,
    teacher,
    baseline,
    gains: await readGains(context, classNames, headline, [baseline, teacher]),
    choices: await readChoices(inputs),
    deployed: await readDeployed(inputs),
    heads: await readHeads(context, ['teacher', ...variantsOf(context)]),
    curves: await readCurves(context, models),
    cache: cache.figures,
    relabelling: await readRelabelling(
      inputs['hard-labels'],
      textsUnder(config.texts, train.examples),
    ),
    mistakes: await readMistakes(
      {
        predictions: inputOf(context, `predictions.${headline.metrics.name}`),
        labels: inputOf(context, 'labels/test'),
      },
      classNames,
      textsUnder(config.texts, test.examples),
    ),
    doubts: headline.metrics.words
      ? []
      : await readDoubts(context, headline.metrics.name, classNames, {
          validation: validation.examples,
          test: test.examples,
        }),
    corpus: {
      classCount: classNames.length,
      splits: [train, validation, test]
        .map(({ figures }) => figures)
        .filter(({ examples }) => examples > 0),
      rejects: await readRejects(inputs['rejects']),
    },
    origin: {
      command: config.command,
      resolvedConfig: config.resolvedConfig,
      facts: [
        ...cache.facts,
        ...makerFacts(context, models),
        ...timingFacts(headline),
        ...textFacts(test.examples),
        ...featureFacts(models),
        ...licenseFacts(config),
      ],
    },
  };
}

/** The teacher first, then further ones, then the variants in the order of the config; colours go along with the places. */
async function readModels(context: StageContext<ReportConfig>): Promise<ModelResult[]> {
  const order = ['teacher', ...(context.config.teachers ?? []), ...variantsOf(context)];
  const evaluated = order.flatMap((name, colour) => {
    const folder = context.inputs[`metrics.${name}`];
    return folder === undefined ? [] : [{ folder, name, colour }];
  });
  const spreads = await readSpreads(context.inputs);
  return Promise.all(
    evaluated.map(async ({ folder, name, colour }) => ({
      metrics: await readMetrics(folder),
      timings: await readTimings(folder),
      colour: Math.min(colour, LAST_COLOUR),
      spread: spreads.get(name),
    })),
  );
}

/** The order that was asked for, or every evaluated student by name. */
export function variantsOf({ config, inputs }: StageContext<ReportConfig>): string[] {
  if (config.variants.length > 0) return config.variants;
  const names = Object.keys(inputs).flatMap((key) =>
    key.startsWith('metrics.') ? [key.slice('metrics.'.length)] : [],
  );
  return names.filter((name) => name !== 'teacher').sort();
}

/** Roles come from the config and never from the figures: picking the best on test would be choosing by test. */
function rolesIn(models: readonly ModelResult[], config: ReportConfig) {
  const named = (name: string) => models.find(({ metrics }) => metrics.name === name) ?? null;
  const students = models.filter(({ metrics }) => metrics.subject === 'student');
  const headline = config.exported === undefined ? students.at(-1) : named(config.exported);
  if (!headline) {
    throw new NothingToReportError(
      config.exported === undefined
        ? 'no student was evaluated'
        : `the student "${config.exported}" was not evaluated`,
    );
  }
  const baseline = config.baseline === undefined ? null : named(config.baseline);
  return {
    headline,
    teacher: models.find(({ metrics }) => metrics.subject === 'teacher') ?? null,
    baseline: baseline === headline ? null : baseline,
  };
}

/** Curves of the students whose log is there. */
export async function readCurves(
  { inputs }: StageContext<ReportConfig>,
  models: readonly {
    readonly metrics: { readonly name: string };
    readonly colour: number;
  }[],
): Promise<TrainingCurve[]> {
  const logged = models.flatMap(({ metrics, colour }) => {
    const folder = inputs[`log.${metrics.name}`];
    return folder === undefined ? [] : [{ folder, name: metrics.name, colour }];
  });
  return Promise.all(logged.map(({ folder, name, colour }) => readCurve(folder, { name, colour })));
}

/** Where the students were timed. */
export function timingFacts({ timings }: Pick<ModelResult, 'timings'>): Fact[] {
  if (timings === null) return [];
  const threads = timings.threads === null ? 'all cores' : `${timings.threads} threads`;
  return [
    {
      name: 'Students were timed on',
      value: `${timings.runtime}, ${timings.provider}, ${threads}`,
    },
  ];
}

/** Says that the store keeps no texts, where it does not. */
export function textFacts(examples: readonly StoredExample[]): Fact[] {
  if (examples.every(({ text }) => text !== null)) return [];
  const value = 'not in the store (privacy.storeTexts: false); rows are named by example id';
  return [{ name: 'Texts of the corpus', value }];
}

/** Says why features of students were not compared with those of the teacher, where they were not. */
export function featureFacts(models: Parameters<typeof whyNoFeatures>[0]): Fact[] {
  const why = whyNoFeatures(models);
  return why === undefined ? [] : [{ name: 'Features (CKA)', value: `not compared: ${why}` }];
}

/** Licences of teachers and corpus, as far as they are known. */
export function licenseFacts({ licenses = [] }: ReportConfig): Fact[] {
  return licenses.map(({ of, license }) => ({
    name: `Licence of the ${placeOf(of)}`,
    value: license,
  }));
}

function placeOf(name: string): string {
  return name === 'teacher' || name === 'corpus' ? name : `teacher ${name}`;
}

const LAST_COLOUR = 6;
