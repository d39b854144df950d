import { count, percent, percentPoints } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { ModelResult, ReportData } from '#stages/report/report-data.ts';
import { scrollBox } from './scroll-box.ts';

/** What happens when the least sure rows go to a person, and how short and long rows do. */
export function selective({ headline, teacher }: ReportData): Html | null {
  const { coverage, slices, name } = headline.metrics;
  if (coverage === undefined) return null;
  return html`<section><h2>If ${name} may abstain</h2>
<p>The surest rows are answered, the others go to a person. The confidence is that of the least sure row that is answered: the threshold to set.</p>
${coverageTable(headline, teacher)}
${slices !== undefined && slices.length > 1 && html`<h3>Short and long rows</h3>${sliceTable(slices, headline, teacher)}`}</section>`;
}

function coverageTable({ metrics }: ModelResult, teacher: ModelResult | null): Html {
  const ofTeacher = teacher?.metrics.coverage;
  return scrollBox(
    'Accuracy of the answered rows',
    html`<table><thead><tr><th scope="col">Answered</th><th scope="col" class="num">Confidence<small>at least</small></th><th scope="col" class="num">Accuracy<small>%</small></th>${ofTeacher && html`<th scope="col" class="num">Teacher<small>%</small></th>`}</tr></thead>
<tbody>${metrics.coverage?.map(
      ({ coverage, confidence, accuracy }, at) =>
        html`<tr><th scope="row">${percent(coverage, 0)}</th><td class="num">${confidence.toFixed(2)}</td><td class="num">${percentPoints(accuracy)}</td>${ofTeacher && html`<td class="num">${percentPoints(ofTeacher[at]?.accuracy ?? null)}</td>`}</tr>`,
    )}</tbody></table>`,
  );
}

function sliceTable(
  slices: NonNullable<ModelResult['metrics']['slices']>,
  headline: ModelResult,
  teacher: ModelResult | null,
): Html {
  const ofTeacher = new Map(
    teacher?.metrics.slices?.map((slice) => [`${slice.from}-${slice.to}`, slice.accuracy]),
  );
  // A student with a vocabulary of its own has other lengths.
  const isSame = slices.every(({ from, to }) => ofTeacher.has(`${from}-${to}`));
  return scrollBox(
    'Accuracy by length',
    html`<table><thead><tr><th scope="col">Tokens</th><th scope="col" class="num">Test rows</th><th scope="col" class="num">${headline.metrics.name}<small>%</small></th>${isSame && html`<th scope="col" class="num">Teacher<small>%</small></th>`}</tr></thead>
<tbody>${slices.map(
      ({ from, to, rows, accuracy }) =>
        html`<tr><th scope="row">${from === to ? count(from) : `${count(from)} to ${count(to)}`}</th><td class="num">${count(rows)}</td><td class="num">${percentPoints(accuracy)}</td>${isSame && html`<td class="num">${percentPoints(ofTeacher.get(`${from}-${to}`) ?? null)}</td>`}</tr>`,
    )}</tbody></table>`,
  );
}
