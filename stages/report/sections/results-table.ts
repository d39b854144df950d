import { intervalOf } from '#datasets/metrics/figures.ts';
import { bytes, count, magnitude, NONE, percentPoints } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { ModelResult, ReportData } from '#stages/report/report-data.ts';
import { meanFigure, spreadIn } from '#stages/report/spread.ts';
import { gainNotes } from './gains.ts';
import { latencyCells, latencyHeads } from './latency.ts';
import { scrollBox } from './scroll-box.ts';

/** All models side by side, on the same test rows. */
export function resultsTable({ models, headline, gains }: ReportData): Html {
  const hasEntities = models.some(({ metrics }) => entitiesIn(metrics) !== null);
  const hasPrecision = models.some(
    ({ metrics }) => (metrics.meanAveragePrecision ?? null) !== null,
  );
  const hasSeeds = models.some(({ spread }) => spread !== undefined);
  return html`<section><h2>Results</h2>
<p class="note">${count(headline.metrics.rows)} labelled test ${headline.metrics.words ? 'words' : 'rows'}, the same for all models. Intervals: bootstrap${headline.metrics.words && ' over sentences'}, 95&#160;%.${hasSeeds && ' With several seeds: their mean, \u00B1 their standard deviation.'}</p>
${scrollBox(
  'Results',
  html`<table class="pinned">
<thead><tr><th scope="col">Model</th>${hasEntities && html`<th scope="col" class="num">Entity F1<small>%</small></th>`}<th scope="col" class="num">Accuracy<small>%</small></th><th scope="col" class="num">Agreement<small>with teacher, %</small></th><th scope="col" class="num">Macro-F1<small>%</small></th>${hasPrecision && html`<th scope="col" class="num">PR-AUC<small>macro, %</small></th>`}<th scope="col" class="num">ECE<small>%</small></th><th scope="col" class="num">NLL<small>nats</small></th><th scope="col" class="num">Parameters</th><th scope="col" class="num">ONNX file</th>${latencyHeads(models)}</tr></thead>
<tbody>${models.map((model) => row(model, model === headline, { hasEntities, hasPrecision }))}</tbody></table>`,
)}
${gainNotes(headline.metrics.name, gains)}
${remark(models)}</section>`;
}

function row(
  model: ModelResult,
  isFeatured: boolean,
  { hasEntities, hasPrecision }: Columns,
): Html {
  const { metrics, timings, colour } = model;
  const { accuracy, macroF1, agreement } = metrics;
  const share = (name: string, own: number | null) =>
    html`${percentPoints(meanFigure(model, name, own))}${rangeOf(model, name)}`;
  const bound = metrics.goldOutsideTopK > 0 ? '\u2265' : '';
  return html`<tr class="${isFeatured ? 'featured' : ''}"><th scope="row" class="name"><span class="swatch c${colour}"></span>${metrics.name}</th>${hasEntities && html`<td class="num">${share('entityF1', entitiesIn(metrics)?.f1 ?? null)}</td>`}
<td class="num">${share('accuracy', accuracy)}</td>
<td class="num">${share('agreement', agreement)}</td><td class="num">${share('macroF1', macroF1)}</td>${hasPrecision && html`<td class="num">${share('meanAveragePrecision', metrics.meanAveragePrecision ?? null)}</td>`}<td class="num">${share('expectedCalibrationError', metrics.expectedCalibrationError)}</td><td class="num">${bound}${meanFigure(model, 'negativeLogLikelihood', metrics.negativeLogLikelihood)?.toFixed(3)}</td>
<td class="num">${magnitude(metrics.parameters)}</td><td class="num">${metrics.fileBytes === 0 ? NONE : bytes(metrics.fileBytes)}</td>
${latencyCells(timings)}</tr>`;
}

interface Columns {
  readonly hasEntities: boolean;
  readonly hasPrecision: boolean;
}

/** Of one student the interval of a figure, of several how far they lie apart. */
function rangeOf(model: ModelResult, figure: string): Html | null {
  const sd = spreadIn(model, figure)?.sd;
  if (sd !== undefined) return range(`\u00B1 ${percentPoints(sd)}`);
  const interval = intervalOf(model.metrics, figure);
  return interval === undefined
    ? null
    : range(interval.map((one) => percentPoints(one)).join('\u2013'));
}

function range(text: string): Html {
  return html` <span class="range">${text}</span>`;
}

function entitiesIn({ words }: ModelResult['metrics']) {
  return words?.entities ?? null;
}

function remark(models: readonly ModelResult[]): Html {
  const bounded = models.filter(({ metrics }) => metrics.goldOutsideTopK > 0);
  return html`<p class="note">ECE: expected calibration error, 15 equal-width bins; lower is better. PR-AUC: area under the precision-recall curve (average precision), mean over the classes. NLL: mean negative log-likelihood of the gold class.${bounded.map(
    ({ metrics }) =>
      html` For ${count(metrics.goldOutsideTopK)} of the rows the gold class stands outside the top classes that the ${metrics.name} cache keeps; its NLL is a lower bound.`,
  )}</p>`;
}
