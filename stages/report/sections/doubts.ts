import { count, percent, readableClass } from '#stages/report/format.ts';
import type { DoubtedLabel, DoubtedLabels } from '#stages/report/gather-doubts.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { ReportData } from '#stages/report/report-data.ts';
import { exampleText } from './example-text.ts';
import { scrollBox } from './scroll-box.ts';

/** Labels that somebody should look at; a wrong test label makes every figure above wrong. */
export function doubts({ doubts: splits }: Pick<ReportData, 'doubts'>): Html | null {
  if (splits.length === 0) return null;
  return html`<section><h2>Labels to review</h2>
<p>${splits.map((split, at) => html`${at > 0 && ' '}${sentence(split)}`)} They are not necessarily wrong: <code>npx decant labels review --split ${splits[0]?.split ?? 'validation'}</code> writes all of them as a table for you to decide.</p>
${splits.map(({ split, worst }) => worst.length > 0 && table(split, worst))}</section>`;
}

function sentence({ split, labelled, doubted }: DoubtedLabels): string {
  const share = percent(doubted / Math.max(1, labelled));
  return `Of ${count(labelled)} ${split} labels ${count(doubted)} (${share}) are doubted by teacher and student together.`;
}

function table(split: string, rows: readonly DoubtedLabel[]): Html {
  return html`<h3>${split}, most doubtful first</h3>
${scrollBox(
  `Doubtful labels of ${split}`,
  html`<table><thead><tr><th scope="col">Row</th><th scope="col">Label</th><th scope="col">Suggested</th><th scope="col" class="num">Margin<small>p(label) - p(suggested)</small></th></tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr><td class="text">${exampleText(row)}</td><td class="class soft">${readableClass(row.gold)}</td><td class="class">${readableClass(row.suggested)}</td><td class="num">${row.margin.toFixed(2)}</td></tr>`,
  )}</tbody></table>`,
)}`;
}
