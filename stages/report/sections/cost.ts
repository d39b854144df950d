import { percentPoints, roundMagnitude } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { costScatter, type PricedModel } from '#stages/report/plots/cost-scatter.ts';
import type { ModelResult, ReportData } from '#stages/report/report-data.ts';

/** What a point of accuracy costs in size and in time. */
export function cost({ models }: ReportData): Html {
  return html`<section><h2>What accuracy costs</h2>
<div class="plots">${againstSize(models)}${againstLatency(models)}</div></section>`;
}

function againstSize(all: readonly ModelResult[]): Html {
  // Answers that stand in files have no size.
  const models = all.filter(({ metrics }) => metrics.fileBytes > 0);
  const byParameters = models.every(({ metrics }) => metrics.parameters !== null);
  const priced = models.map((model) => {
    const { parameters, fileBytes } = model.metrics;
    return pricedModel(model, byParameters ? (parameters ?? 1) : fileBytes);
  });
  return html`<figure><figcaption><b>Accuracy against size</b><span>Bars: 95&#160;% intervals; logarithmic axis</span></figcaption>
${costScatter({
  id: 'size',
  title: 'Accuracy against size',
  description: describe(priced),
  models: priced,
  x: { label: byParameters ? 'parameters' : 'file size, bytes', format: roundMagnitude },
})}</figure>`;
}

function againstLatency(models: readonly ModelResult[]): Html | null {
  const priced = models.flatMap((model) =>
    model.timings === null ? [] : [pricedModel(model, model.timings.latencyMsBatch1.p50)],
  );
  if (priced.length === 0) return null;
  return html`<figure><figcaption><b>Accuracy against latency</b><span>Median of single texts; logarithmic axis</span></figcaption>
${costScatter({
  id: 'latency',
  title: 'Accuracy against latency',
  description: describe(priced),
  models: priced,
  x: { label: 'ms', format: (ms) => String(Number(ms.toPrecision(3))) },
})}</figure>`;
}

function pricedModel({ metrics, colour }: ModelResult, price: number): PricedModel {
  return {
    name: metrics.name,
    colour,
    cost: Math.max(price, Number.MIN_VALUE),
    accuracy: metrics.accuracy,
    interval: metrics.accuracyInterval,
  };
}

function describe(models: readonly PricedModel[]): string {
  const summary = models.map(({ name, accuracy }) => `${name} ${percentPoints(accuracy)}`);
  return `Accuracy in percent: ${summary.join(', ')}.`;
}
