import { count, percent } from '#stages/report/format.ts';
import type { HeadResults } from '#stages/report/gather-heads.ts';
import { type Html, html } from '#stages/report/html.ts';
import { scrollBox } from './scroll-box.ts';

/** Further tasks of the students: a row a head and model. */
export function taskHeads(heads: readonly HeadResults[]): Html | null {
  if (heads.length === 0) return null;
  return html`<section><h2>Further tasks</h2>
<p>Each student answers these tasks with the same encoder and a head of its own. Every task has a teacher and test rows of its own, so that figures compare within a task. All else on this page is of the first task.</p>
${scrollBox(
  'Further tasks',
  html`<table class="pinned"><thead><tr><th scope="col">Head</th><th scope="col">Model</th><th scope="col" class="num">Test rows</th><th scope="col" class="num">Accuracy</th><th scope="col" class="num">95 % interval</th><th scope="col" class="num">Macro-F1</th><th scope="col" class="num">Agreement</th><th scope="col" class="num">Calibration error</th></tr></thead>
<tbody>${heads.flatMap(rowsOf)}</tbody></table>`,
)}</section>`;
}

function rowsOf({ name: head, models }: HeadResults): Html[] {
  return models.map(({ name, metrics }) => {
    const [low, high] = metrics.accuracyInterval;
    return html`<tr><th scope="row" class="name">${head}</th><td>${name}</td><td class="num">${count(metrics.rows)}</td><td class="num">${percent(metrics.accuracy)}</td><td class="num">${percent(low)} to ${percent(high)}</td><td class="num">${percent(metrics.macroF1)}</td><td class="num">${percent(metrics.agreement)}</td><td class="num">${percent(metrics.expectedCalibrationError)}</td></tr>`;
  });
}
