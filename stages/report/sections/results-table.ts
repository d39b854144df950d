import {
  bytes,
  count,
  magnitude,
  NONE,
  percentPoints,
  threeDigits,
} from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { ModelResult, ReportData } from '#stages/report/report-data.ts';
import { scrollBox } from './scroll-box.ts';

/** All models side by side, on the same test rows. */
export function resultsTable({ models, headline }: ReportData): Html {
  const hasEntities = models.some(({ metrics }) => entitiesIn(metrics) !== null);
  return html`<section><h2>Results</h2>
<p class="note">${count(headline.metrics.rows)} labelled test ${headline.metrics.words ? 'words' : 'rows'}, the same for all models. Intervals: bootstrap, 95&#160;%.</p>
${scrollBox(
  'Results',
  html`<table class="pinned">
<thead><tr><th scope="col">Model</th>${hasEntities && html`<th scope="col" class="num">Entity F1<small>%</small></th>`}<th scope="col" class="num">Accuracy<small>%</small></th><th scope="col" class="num">Agreement<small>with teacher, %</small></th><th scope="col" class="num">Macro-F1<small>%</small></th><th scope="col" class="num">ECE<small>%</small></th><th scope="col" class="num">NLL<small>nats</small></th><th scope="col" class="num">Parameters</th><th scope="col" class="num">ONNX file</th><th scope="col" class="num">Latency<small>p50 / p95, ms</small></th><th scope="col" class="num">Rows/s<small>batch 32</small></th></tr></thead>
<tbody>${models.map((model) => row(model, model === headline, hasEntities))}</tbody></table>`,
)}
${remark(models)}</section>`;
}

function row(
  { metrics, timings, colour }: ModelResult,
  isFeatured: boolean,
  hasEntities: boolean,
): Html {
  const [low, high] = metrics.accuracyInterval;
  const bound = metrics.goldOutsideTopK > 0 ? '\u2265' : '';
  return html`<tr class="${isFeatured ? 'featured' : ''}"><th scope="row" class="name"><span class="swatch c${colour}"></span>${metrics.name}</th>${hasEntities && html`<td class="num">${percentPoints(entitiesIn(metrics)?.f1 ?? null)}</td>`}
<td class="num">${percentPoints(metrics.accuracy)} <span class="range">${percentPoints(low)}\u2013${percentPoints(high)}</span></td>
<td class="num">${percentPoints(metrics.agreement)}</td><td class="num">${percentPoints(metrics.macroF1)}</td><td class="num">${percentPoints(metrics.expectedCalibrationError)}</td><td class="num">${bound}${metrics.negativeLogLikelihood.toFixed(3)}</td>
<td class="num">${magnitude(metrics.parameters)}</td><td class="num">${metrics.fileBytes === 0 ? NONE : bytes(metrics.fileBytes)}</td>
<td class="num">${timings === null ? NONE : html`${threeDigits(timings.latencyMsBatch1.p50)} / ${threeDigits(timings.latencyMsBatch1.p95)}`}</td><td class="num">${timings === null ? NONE : count(timings.rowsPerSecond)}</td></tr>`;
}

function entitiesIn({ words }: ModelResult['metrics']) {
  return words?.entities ?? null;
}

function remark(models: readonly ModelResult[]): Html {
  const bounded = models.filter(({ metrics }) => metrics.goldOutsideTopK > 0);
  return html`<p class="note">ECE: expected calibration error, 15 equal-width bins; lower is better. NLL: mean negative log-likelihood of the gold class.${bounded.map(
    ({ metrics }) =>
      html` For ${count(metrics.goldOutsideTopK)} of the rows the gold class stands outside the top classes that the ${metrics.name} cache keeps; its NLL is a lower bound.`,
  )}</p>`;
}
