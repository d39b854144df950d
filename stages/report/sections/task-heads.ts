import { figuresIn, intervalOf, leadFigure } from '#datasets/metrics/figures.ts';
import { type AnyMetrics, isOfValues } from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { count, NONE } from '#stages/report/format.ts';
import type { HeadResults } from '#stages/report/gather-heads.ts';
import { type Html, html } from '#stages/report/html.ts';
import { meanFigure, spreadIn } from '#stages/report/spread.ts';
import { scrollBox } from './scroll-box.ts';

/** Further tasks of the students: a table for the heads that have the same figures, a row a head and model. */
export function taskHeads(heads: readonly HeadResults[]): Html | null {
  if (heads.length === 0) return null;
  const alike = new Map<string, HeadResults[]>();
  for (const head of heads) {
    const kind = figuresOf(head).join();
    alike.set(kind, [...(alike.get(kind) ?? []), head]);
  }
  return html`<section><h2>Further tasks</h2>
<p>Each student answers these tasks with the same encoder and a head of its own. Every task has a teacher and test rows of its own, so that figures compare within a task. All else on this page is of the first task.${heads.some(({ models }) => models.some(({ spread }) => spread !== undefined)) && ' Of several seeds it is the mean, with the standard deviation.'}</p>
${[...alike.values()].map(tableOf)}</section>`;
}

function tableOf(heads: readonly HeadResults[]): Html | null {
  const [first] = heads;
  if (first === undefined) return null;
  const [lead = '', ...others] = figuresOf(first);
  const titled = (figure: string) => html`<th scope="col" class="num">${titleOf(figure)}</th>`;
  return scrollBox(
    'Further tasks',
    html`<table class="pinned"><thead><tr><th scope="col">Head</th><th scope="col">Model</th><th scope="col" class="num">Test rows</th>${titled(lead)}<th scope="col" class="num">95 % interval</th>${others.map(titled)}</tr></thead>
<tbody>${heads.flatMap((head) => rowsOf(head, [lead, ...others]))}</tbody></table>`,
  );
}

function rowsOf({ name: head, models }: HeadResults, figures: readonly string[]): Html[] {
  return models.map((model) => {
    const { name, metrics } = model;
    const known = figuresIn(metrics);
    const shown = (figure: string) => {
      const like = figure === 'agreement' ? agreesLike(metrics) : figure;
      const value = shownFigure(like, meanFigure(model, figure, known.get(figure) ?? null));
      const sd = spreadIn(model, figure)?.sd;
      return sd === undefined ? value : `${value} ± ${shownFigure(like, sd)}`;
    };
    const [lead = '', ...others] = figures;
    const interval = intervalOf(metrics, lead);
    const range = interval?.map((bound) => shownFigure(lead, bound)).join(' to ') ?? NONE;
    return html`<tr><th scope="row" class="name">${head}</th><td>${name}</td><td class="num">${count(metrics.rows)}</td><td class="num">${shown(lead)}</td><td class="num">${range}</td>${others.map((figure) => html`<td class="num">${shown(figure)}</td>`)}</tr>`;
  });
}

/** Figures of a head's task, the one that leads it first. */
function figuresOf({ models: [model] }: HeadResults): string[] {
  if (model === undefined) return [];
  const { metrics } = model;
  return isOfValues(metrics)
    ? [...Object.keys(metrics.figures), 'agreement']
    : [leadFigure(metrics), 'macroF1', 'agreement', 'expectedCalibrationError'];
}

/** A share of equal answers, or a correlation. */
function agreesLike(metrics: AnyMetrics): string {
  return isOfValues(metrics) && metrics.task === 'regression' ? 'pearson' : 'accuracy';
}

function titleOf(figure: string): string {
  const name = FIGURE_NAMES[figure] ?? figure;
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
