import { intervalOf } from '#datasets/metrics/figures.ts';
import { FIGURE_NAMES, shownFigure, type ValueMetrics } from '#datasets/metrics/value-metrics.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { bytes, count, magnitude } from './format.ts';
import { type Html, html } from './html.ts';
import { documentOf } from './page.ts';
import { labelCalibration } from './sections/calibration.ts';
import { choices } from './sections/choice.ts';
import { cost } from './sections/cost.ts';
import { deployment } from './sections/deployment.ts';
import { gainNotes } from './sections/gains.ts';
import { latencyCells, latencyHeads } from './sections/latency.ts';
import { corpus, reproduction } from './sections/origin.ts';
import { parts } from './sections/parts.ts';
import { scrollBox } from './sections/scroll-box.ts';
import { seeds } from './sections/seeds.ts';
import { taskHeads } from './sections/task-heads.ts';
import { entropyFigure } from './sections/teacher-cache.ts';
import { trainingCurves } from './sections/training-curves.ts';
import { meanFigure, spreadIn } from './spread.ts';
import type { ValueModel, ValuesData } from './values-data.ts';

/** The report of a task whose answers are numbers. */
export function valuesPage(data: ValuesData): string {
  const lead = leadOf(data);
  const body = html`<header><h1>${data.title}</h1><p class="lead">${lead}</p></header>
${results(data)}
${taskHeads(data.heads)}
${seeds(data.models)}
${choices(data)}
${deployment(data.deployed, data.headline, data.models)}
${cost(data)}
${trainingCurves(data)}
${labelCalibration(data.models)}
${data.entropy && html`<section><h2>What the teacher said</h2><div class="plots">${entropyFigure(data.entropy)}</div></section>`}
${parts(data.models)}
${classes(data.headline.metrics)}
${corpus(data)}
${reproduction(data)}`;
  return documentOf({ title: data.title, description: lead, body });
}

/** `The student reaches a micro-F1 of 87.1 % (teacher 90.2 %) with 0.1 of its parameters.` */
function leadOf({ headline, teacher, cachedRows }: ValuesData): string {
  const isOfTokens = isLanguageModel(headline.metrics.task);
  const [name = '', value = null] = Object.entries(headline.metrics.figures)[0] ?? [];
  const ofTeacher = teacher?.metrics.figures[name];
  const own = meanFigure(headline, name, value);
  const of =
    headline.spread === undefined
      ? ''
      : `, in the mean of ${headline.spread.students.length} seeds,`;
  const beside = ofTeacher === undefined ? '' : ` (teacher ${shownFigure(name, ofTeacher)})`;
  return `The student has a ${FIGURE_NAMES[name] ?? name} of ${shownFigure(name, own)}${beside}${of} on the test ${isOfTokens ? 'tokens' : 'rows'}, after ${count(cachedRows)} ${isOfTokens ? 'tokens with the teacher\u2019s probabilities' : 'rows with the teacher\u2019s numbers'}.`;
}

function results({ models, headline, gains }: ValuesData): Html {
  const names = Object.keys(headline.metrics.figures);
  return html`<section><h2>Results</h2>
<p class="note">${count(headline.metrics.rows)} ${isLanguageModel(headline.metrics.task) ? 'tokens of the test rows' : 'labelled test rows'}, the same for all models.</p>
${scrollBox(
  'Results',
  html`<table class="pinned"><thead><tr><th scope="col">Model</th>${names.map(
    (name) => html`<th scope="col" class="num">${FIGURE_NAMES[name] ?? name}</th>`,
  )}<th scope="col" class="num">Agreement<small>with teacher</small></th><th scope="col" class="num">Parameters</th><th scope="col" class="num">ONNX file</th>${latencyHeads(models)}</tr></thead>
<tbody>${models.map((model) => row(model, names, model === headline))}</tbody></table>`,
)}
${gainNotes(headline.metrics.name, gains)}
<p class="note">${remark(models[0]?.metrics ?? headline.metrics)}</p></section>`;
}

function row(model: ValueModel, names: readonly string[], isFeatured: boolean): Html {
  const { metrics, timings, colour } = model;
  const like = metrics.task === 'regression' ? 'pearson' : 'subsetAccuracy';
  return html`<tr class="${isFeatured ? 'featured' : ''}"><th scope="row" class="name"><span class="swatch c${colour}"></span>${metrics.name}</th>${names.map(
    (name) => html`<td class="num">${figureCell(model, name)}</td>`,
  )}<td class="num">${shownFigure(like, metrics.agreement)}</td><td class="num">${magnitude(metrics.parameters)}</td><td class="num">${bytes(metrics.fileBytes)}</td>${latencyCells(timings)}</tr>`;
}

function figureCell(model: ValueModel, name: string): Html {
  const shown = shownFigure(name, meanFigure(model, name, model.metrics.figures[name] ?? null));
  const sd = spreadIn(model, name)?.sd;
  const interval = intervalOf(model.metrics, name);
  const range =
    sd === undefined
      ? interval?.map((bound) => shownFigure(name, bound).replace(/ %$/, '')).join('\u2013')
      : `\u00B1 ${shownFigure(name, sd)}`;
  return html`${shown}${range !== undefined && html` <span class="range">${range}</span>`}`;
}

function remark({ task, goldOutsideTopK }: ValueMetrics): string {
  if (isLanguageModel(task)) {
    const bound =
      goldOutsideTopK === 0
        ? ''
        : ' The cache keeps the likeliest tokens alone: the perplexity of the teacher is at least what stands here.';
    return `Perplexity: exp of the nats a token, 1 where each right token was certain. Accuracy: the likeliest token is the right one. Agreement: it is that of the teacher.${bound}`;
  }
  return task === 'regression'
    ? 'MSE, MAE: mean squared and absolute error. Pearson, Spearman: correlation of numbers and of ranks; agreement: Pearson with the teacher. Several outputs: their mean.'
    : 'A class counts as said from a probability of 0.5 on. PR-AUC: mean average precision. Subset accuracy: rows with every class right. Agreement: share of equal decisions.';
}

function classes({ perClass }: ValueMetrics): Html | null {
  if (perClass.length === 0) return null;
  return html`<section><h2>Classes</h2>
${scrollBox(
  'Classes',
  html`<table><thead><tr><th scope="col">Class</th><th scope="col" class="num">Rows</th><th scope="col" class="num">Precision</th><th scope="col" class="num">Recall</th><th scope="col" class="num">F1</th><th scope="col" class="num">Average precision</th></tr></thead>
<tbody>${perClass.map(
    (one) =>
      html`<tr><th scope="row">${one.label}</th><td class="num">${count(one.support)}</td>${[
        one.precision,
        one.recall,
        one.f1,
        one.averagePrecision,
      ].map((share) => html`<td class="num">${shownFigure('macroF1', share)}</td>`)}</tr>`,
  )}</tbody></table>`,
)}</section>`;
}
