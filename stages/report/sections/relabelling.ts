import { count, percent, percentPoints, readableClass } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { RelabelledExample, Relabelling, ReportData } from '#stages/report/report-data.ts';
import { exampleText } from './example-text.ts';
import { scrollBox } from './scroll-box.ts';

/** What hard-relabel decided, and examples of it. */
export function relabelling({ relabelling: found }: ReportData): Html | null {
  if (found === null) return null;
  const { summary, examples } = found;
  return html`<section><h2>Relabelling</h2>
<p>${explanation(found)}</p>
${shareBar(parts(found))}
<p class="note">Confidence is calibrated on ${count(summary.calibration.teacher.rows)} labelled validation rows: it is the accuracy seen behind such a claim. Gold labels and the test split are never touched.</p>
${examples.length > 0 && exampleTable(examples)}</section>`;
}

function explanation({ summary }: Relabelling): string {
  const unlabelled = summary.filled + summary.disagreed + summary.belowConfidence;
  const share = percent(unlabelled === 0 ? 0 : summary.filled / unlabelled);
  return `Of ${count(unlabelled)} train rows without a gold label ${count(summary.filled)} (${share}) got a hard label: teacher and student put the same class first, and each is right at least ${percent(summary.minConfidence, 0)} of the time when it is this sure.`;
}

interface Part {
  readonly name: string;
  readonly rows: number;
  readonly colour: number;
}

function parts({ summary }: Relabelling): Part[] {
  return [
    { name: 'gold label kept', rows: summary.keptGold, colour: 0 },
    { name: 'filled', rows: summary.filled, colour: 3 },
    { name: 'not sure enough', rows: summary.belowConfidence, colour: 1 },
    { name: 'teacher and student disagree', rows: summary.disagreed, colour: 5 },
  ];
}

function shareBar(shares: readonly Part[]): Html {
  const total = shares.reduce((sum, { rows }) => sum + rows, 0) || 1;
  return html`<div class="share" aria-hidden="true">${shares.map(
    ({ rows, colour }) =>
      rows > 0 && html`<i class="c${colour}" style="width:${percentPoints(rows / total, 2)}%"></i>`,
  )}</div>
<ul class="legend">${shares.map(
    ({ name, rows, colour }) =>
      html`<li><span class="swatch c${colour}"></span>${name} ${count(rows)}</li>`,
  )}</ul>`;
}

function exampleTable(examples: readonly RelabelledExample[]): Html {
  return html`<h3>Examples, least sure first</h3>${scrollBox(
    'Relabelled examples',
    html`<table><thead><tr><th scope="col">Train row</th><th scope="col">New label</th><th scope="col">Reason</th><th scope="col" class="num">Teacher<small>calibrated</small></th><th scope="col" class="num">Student<small>calibrated</small></th></tr></thead>
<tbody>${examples.map(
      (example) =>
        html`<tr><td class="text">${exampleText(example)}</td><td class="class">${readableClass(example.newLabel)}</td><td class="class soft">${example.reason.replaceAll('-', ' ')}</td><td class="num">${percent(example.teacherConfidence)}</td><td class="num">${percent(example.studentConfidence)}</td></tr>`,
    )}</tbody></table>`,
  )}`;
}
