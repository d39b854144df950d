import { roundMagnitude } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { documentOf } from '#stages/report/page.ts';
import { paretoScatter } from '#stages/report/plots/pareto-scatter.ts';
import { scrollBox } from '#stages/report/sections/scroll-box.ts';
import type { TrialResult } from './results.ts';
import { resultCells, resultColumns, shownFigure } from './shown.ts';

/** The results of a sweep as one HTML file: what a figure costs in size and in time, and the table. */
export function sweepPage(variant: string, results: readonly TrialResult[]): string {
  const title = `Trials of ${variant}`;
  const figure = results[0]?.judged.title ?? 'figure';
  const description = `${results.length} students, judged by ${figure} on the validation rows.`;
  const body = html`<h1>${title}</h1>
<p class="lead">${description}</p>
<div class="plots">${plot(results, 'size')}${plot(results, 'latency')}</div>
<h2>All trials</h2>
${scrollBox('Trials', table(results))}
<p class="note">The test rows were not looked at: make a variant of the trial that you choose, and decant run measures it on them.</p>`;
  return documentOf({ title, description, body });
}

function plot(results: readonly TrialResult[], price: 'size' | 'latency'): Html | null {
  const costOf = (one: TrialResult) => (price === 'size' ? one.fileBytes : one.latencyMs);
  const priced = results.flatMap((one) => {
    const cost = costOf(one);
    return cost === null || Number.isNaN(one.judged.value) ? [] : [{ one, cost }];
  });
  const first = priced[0]?.one.judged;
  if (first === undefined) return null;
  const heading = `${first.title} against ${price}`;
  const front = priced.filter(({ one }) => one.isOnFront[price]);
  return html`<figure><figcaption><b>${heading}</b><span>Line: no other trial is better at the same price; logarithmic axis</span></figcaption>
${paretoScatter({
  id: price,
  title: heading,
  description: `On the front: ${front.map(({ one }) => `trial ${one.trial.number} ${shownFigure(one.judged)}`).join(', ')}.`,
  models: priced.map(({ one, cost }) => ({
    name: String(one.trial.number),
    value: one.judged.value,
    interval: one.judged.interval,
    cost: Math.max(cost, Number.MIN_VALUE),
    isOnFront: one.isOnFront[price],
  })),
  x:
    price === 'size'
      ? { label: 'file size, bytes', format: roundMagnitude }
      : { label: 'ms', format: (ms) => String(Number(ms.toPrecision(3))) },
  y: {
    label: first.isShare ? `${first.title} %` : first.title,
    format: (value) => String(Number((first.isShare ? 100 * value : value).toPrecision(4))),
  },
})}</figure>`;
}

function table(results: readonly TrialResult[]): Html {
  return html`<table><thead><tr>${resultColumns(results).map((name) => html`<th>${name}</th>`)}</tr></thead>
<tbody>${results.map((one) => html`<tr>${resultCells(one).map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table>`;
}
