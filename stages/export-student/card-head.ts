import { type AnyMetrics, isOfValues } from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES } from '#datasets/metrics/value-metrics.ts';
import type { CardKind } from './card-kind.ts';

/** What the YAML head of a card is made from. */
export interface HeadFacts {
  readonly metrics: AnyMetrics;
  readonly license: string | undefined;
  /** Files of the test split. */
  readonly testFiles: readonly string[];
}

/**
 * The YAML head of a model card as Hugging Face reads it, with the figures of the test split as `model-index`. It
 * says nothing that nobody has stated: no licence but `export.license`, and no data set of the hub.
 */
export function cardHead({ metrics, license, testFiles }: HeadFacts, kind: CardKind): string {
  const figures = indexed(metrics);
  const types = [...new Set(figures.map(({ type }) => type))];
  const files = testFiles.length === 0 ? '' : ` (${testFiles.join(', ')})`;
  return [
    '---',
    ...(license === undefined ? [] : [`license: ${yaml(license)}`]),
    ...(kind.loadsInTransformers ? ['library_name: transformers'] : []),
    `pipeline_tag: ${kind.pipeline}`,
    'tags:',
    ...['knowledge-distillation', kind.tag, 'onnx'].map((tag) => `  - ${tag}`),
    ...listed('metrics', types, (type) => [`  - ${type}`]),
    ...(figures.length === 0
      ? []
      : [
          'model-index:',
          `  - name: ${yaml(metrics.name)}`,
          '    results:',
          '      - task:',
          `          type: ${kind.pipeline}`,
          '        dataset:',
          `          name: ${yaml(`test split of the corpus${files}`)}`,
          '          type: custom',
          '          split: test',
          '        metrics:',
          ...figures.flatMap(({ type, name, value }) => [
            `          - type: ${type}`,
            `            name: ${yaml(name)}`,
            `            value: ${value}`,
          ]),
        ]),
    '---',
  ].join('\n');
}

/** A figure as the hub's leaderboards know it. */
interface Indexed {
  readonly type: string;
  readonly name: string;
  readonly value: number;
}

function indexed(metrics: AnyMetrics): Indexed[] {
  const figures = isOfValues(metrics)
    ? metrics.figures
    : {
        accuracy: metrics.accuracy,
        macroF1: metrics.macroF1,
        entityF1: metrics.words?.entities?.f1,
      };
  return Object.entries(figures).flatMap(([name, value]) => {
    const type = HUB_METRICS[name];
    if (type === undefined || value === null || value === undefined) return [];
    return [{ type, name: FIGURE_NAMES[name] ?? name, value: Number(value.toPrecision(6)) }];
  });
}

function listed(key: string, values: readonly string[], lines: (value: string) => string[]) {
  return values.length === 0 ? [] : [`${key}:`, ...values.flatMap(lines)];
}

/** JSON's strings are YAML's. */
function yaml(text: string): string {
  return JSON.stringify(text);
}

/** Metrics that Hugging Face has a name for. */
const HUB_METRICS: Readonly<Record<string, string>> = {
  accuracy: 'accuracy',
  macroF1: 'f1',
  microF1: 'f1',
  entityF1: 'f1',
  perplexity: 'perplexity',
  meanSquaredError: 'mse',
  meanAbsoluteError: 'mae',
  pearson: 'pearsonr',
  spearman: 'spearmanr',
};
