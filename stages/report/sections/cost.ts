import { figuresIn, intervalOf, leadFigure } from '#datasets/metrics/figures.ts';
import type { AnyMetrics, Timings } from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES, isShareFigure, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { roundMagnitude } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import {
  type CostScatter,
  costScatter,
  type PricedModel,
} from '#stages/report/plots/cost-scatter.ts';

/** A model of any task. */
interface Priced {
  readonly metrics: AnyMetrics;
  readonly timings: Timings | null;
  readonly colour: number;
}

/** What a point of the leading figure costs in size and in time. */
export function cost({
  models,
  headline,
}: {
  readonly models: readonly Priced[];
  readonly headline: Priced;
}): Html {
  const figure = leadFigure(headline.metrics);
  return html`<section><h2>What ${nameOf(figure)} costs</h2>
<div class="plots">${againstSize(models, figure)}${againstLatency(models, figure)}</div></section>`;
}

function againstSize(all: readonly Priced[], figure: string): Html | null {
  // Answers that stand in files have no size.
  const models = all.filter(({ metrics }) => metrics.fileBytes > 0);
  const byParameters = models.every(({ metrics }) => metrics.parameters !== null);
  const priced = models.flatMap((model) => {
    const { parameters, fileBytes } = model.metrics;
    return pricedModel(model, figure, byParameters ? (parameters ?? 1) : fileBytes);
  });
  const x = { label: byParameters ? 'parameters' : 'file size, bytes', format: roundMagnitude };
  return plot(figure, priced, { id: 'size', x }, 'Bars: 95 % intervals; logarithmic axis');
}

function againstLatency(models: readonly Priced[], figure: string): Html | null {
  const priced = models.flatMap((model) =>
    model.timings === null ? [] : pricedModel(model, figure, model.timings.latencyMsBatch1.p50),
  );
  const x = { label: 'ms', format: (ms: number) => String(Number(ms.toPrecision(3))) };
  return plot(figure, priced, { id: 'latency', x }, 'Median of single rows; logarithmic axis');
}

function plot(
  figure: string,
  models: readonly PricedModel[],
  { id, x }: Pick<CostScatter, 'id' | 'x'>,
  note: string,
): Html | null {
  if (models.length === 0) return null;
  const name = nameOf(figure);
  const title = `${name.slice(0, 1).toUpperCase()}${name.slice(1)} against ${id}`;
  const told = models.map((one) => `${one.name} ${shownFigure(figure, one.value)}`).join(', ');
  const isShare = isShareFigure(figure);
  const y = {
    label: isShare ? `${name} %` : name,
    format: (value: number) =>
      String(Number((isShare ? value * 100 : value).toFixed(isShare ? 1 : 3))),
  };
  return html`<figure><figcaption><b>${title}</b><span>${note}</span></figcaption>
${costScatter({ id, title, description: `${told}.`, models, x, y })}</figure>`;
}

/** None where the figure cannot be told. */
function pricedModel({ metrics, colour }: Priced, figure: string, price: number): PricedModel[] {
  const value = figuresIn(metrics).get(figure);
  if (value === undefined) return [];
  const interval = intervalOf(metrics, figure) ?? [value, value];
  const name = metrics.name;
  return [{ name, colour, cost: Math.max(price, Number.MIN_VALUE), value, interval }];
}

function nameOf(figure: string): string {
  return FIGURE_NAMES[figure] ?? figure;
}
