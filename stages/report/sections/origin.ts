import { count, NONE } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { Fact, ReportData } from '#stages/report/report-data.ts';
import { scrollBox } from './scroll-box.ts';

/** What went in. */
export function corpus({ corpus: figures }: Pick<ReportData, 'corpus'>): Html {
  const knowsTruncated = figures.splits.some(({ truncated }) => truncated !== null);
  return html`<section><h2>What went in</h2>
${scrollBox(
  'What went in',
  html`<table><thead><tr><th scope="col">Split</th><th scope="col" class="num">Examples</th><th scope="col" class="num">Corpus rows<small>equal ones counted</small></th><th scope="col" class="num">With gold label</th>${knowsTruncated && html`<th scope="col" class="num">Truncated</th>`}</tr></thead>
<tbody>${figures.splits.map(
    (split) =>
      html`<tr><th scope="row">${split.split}</th><td class="num">${count(split.examples)}</td><td class="num">${count(split.rows)}</td><td class="num">${orNone(split.labelled)}</td>${knowsTruncated && html`<td class="num">${orNone(split.truncated)}</td>`}</tr>`,
  )}</tbody></table>`,
)}
${facts([{ name: 'Classes', value: count(figures.classCount) }, ...figures.rejects])}</section>`;
}

/** How to get this page again. */
export function reproduction({ origin }: Pick<ReportData, 'origin'>): Html {
  return html`<section><h2>How to reproduce it</h2>
<pre tabindex="0">${origin.command}</pre>
${facts(origin.facts)}
${origin.resolvedConfig !== '' && html`<details><summary>Resolved configuration</summary><pre tabindex="0">${origin.resolvedConfig}</pre></details>`}</section>`;
}

function facts(list: readonly Fact[]): Html {
  return html`<dl>${list.map(({ name, value }) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

function orNone(value: number | null): string {
  return value === null ? NONE : count(value);
}
