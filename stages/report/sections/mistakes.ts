import { count, percent, percentPoints, readableClass } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { Mistake, ModelResult, ReportData } from '#stages/report/report-data.ts';
import { exampleText } from './example-text.ts';
import { scrollBox } from './scroll-box.ts';

/** Where the headline student goes wrong: pairs of classes, weak classes, and what it was surest of. */
export function mistakes({ headline, teacher, mistakes: rows }: ReportData): Html {
  const { metrics } = headline;
  return html`<section><h2>Where ${metrics.name} goes wrong</h2>
${metrics.confusions.length === 0 ? html`<p>Nowhere: every test row is right.</p>` : html`<h3>Most confused classes</h3>${confusions(headline, teacher)}`}
${weakClasses(headline)}
${allClasses(headline)}
${rows.length > 0 && surestMistakes(rows)}</section>`;
}

function confusions({ metrics, colour }: ModelResult, teacher: ModelResult | null): Html {
  const most = metrics.confusions[0]?.count ?? 1;
  const byTeacher = new Map(
    teacher?.metrics.confusions.map(({ gold, predicted, count: rows }) => [
      JSON.stringify([gold, predicted]),
      rows,
    ]),
  );
  return scrollBox(
    'Most confused classes',
    html`<table><thead><tr><th scope="col">Gold class</th><th scope="col">was taken for</th><th scope="col" class="num">Rows</th><th scope="col"><span hidden>Bar</span></th>${teacher && html`<th scope="col" class="num">Teacher<small>if in its ten</small></th>`}</tr></thead>
<tbody>${metrics.confusions.map(
      (pair) =>
        html`<tr><th scope="row" class="class">${readableClass(pair.gold)}</th><td class="class">${readableClass(pair.predicted)}</td><td class="num">${pair.count}</td><td><span class="meter c${colour}"><i style="width:${percentPoints(pair.count / most, 0)}%"></i></span></td>${teacher && html`<td class="num">${byTeacher.get(JSON.stringify([pair.gold, pair.predicted])) ?? '\u2013'}</td>`}</tr>`,
    )}</tbody></table>`,
  );
}

function weakClasses({ metrics }: ModelResult): Html {
  const weakest = metrics.perClass
    .filter(({ support }) => support > 0)
    .toSorted((a, b) => a.f1 - b.f1)
    .slice(0, WEAKEST);
  return html`<h3>Weakest classes</h3>${classTable(weakest, 'Weakest classes')}`;
}

function allClasses({ metrics }: ModelResult): Html {
  return html`<details><summary>All ${count(metrics.perClass.length)} classes</summary>${classTable(metrics.perClass, 'All classes')}</details>`;
}

function classTable(classes: ModelResult['metrics']['perClass'], label: string): Html {
  const hasPrecision = classes.some(({ averagePrecision = null }) => averagePrecision !== null);
  return scrollBox(
    label,
    html`<table><thead><tr><th scope="col">Class</th><th scope="col" class="num">Test rows</th><th scope="col" class="num">Precision<small>%</small></th><th scope="col" class="num">Recall<small>%</small></th><th scope="col" class="num">F1<small>%</small></th>${hasPrecision && html`<th scope="col" class="num">PR-AUC<small>%</small></th>`}</tr></thead>
<tbody>${classes.map(
      ({ label: name, support, precision, recall, f1, averagePrecision = null }) =>
        html`<tr><th scope="row" class="class">${readableClass(name)}</th><td class="num">${count(support)}</td><td class="num">${percentPoints(precision)}</td><td class="num">${percentPoints(recall)}</td><td class="num">${percentPoints(f1)}</td>${hasPrecision && html`<td class="num">${percentPoints(averagePrecision)}</td>`}</tr>`,
    )}</tbody></table>`,
  );
}

function surestMistakes(rows: readonly Mistake[]): Html {
  return html`<h3>Surest mistakes</h3>${scrollBox(
    'Surest mistakes',
    html`<table><thead><tr><th scope="col">Test row</th><th scope="col">Gold class</th><th scope="col">Student says</th><th scope="col" class="num">Confidence</th></tr></thead>
<tbody>${rows.map(
      (row) =>
        html`<tr><td class="text">${exampleText(row)}</td><td class="class">${readableClass(row.gold)}</td><td class="class">${readableClass(row.predicted)}</td><td class="num">${percent(row.confidence)}</td></tr>`,
    )}</tbody></table>`,
  )}<p class="note">Some of these may be wrong labels: the surest mistakes are the first rows to look at.</p>`;
}

const WEAKEST = 8;
