import type { Answered } from '#datasets/operating-point.ts';
import { count, NONE, percent } from '#stages/report/format.ts';
import type { Deployed } from '#stages/report/gather-deployment.ts';
import { type Html, html } from '#stages/report/html.ts';
import { scrollBox } from './scroll-box.ts';

/** What to deploy, and how often the exported student abstains there. */
export function deployment(
  { point, recommended }: Deployed,
  test: Answered | undefined,
): Html | null {
  if (point === undefined && recommended === undefined) return null;
  return html`<section><h2>Putting it to use</h2>
${recommended && html`<p>Recommended file: <code>${recommended.file}</code>, ${recommended.because}.</p>`}
${
  point &&
  html`<p>Operating point: <code>${point.validation.goal}</code>. Thresholds and the temperature (${point.temperature.toPrecision(3)}) were chosen on validation rows; the test rows had no part in it.${shared(point)}</p>
${answeredTable([['validation', point.validation] as const, ...(test ? [['test', test] as const] : [])])}`
}</section>`;
}

function shared({ rowsForOwn, sharing }: NonNullable<Deployed['point']>): string {
  return rowsForOwn === null || sharing.length === 0
    ? ''
    : ` ${count(sharing.length)} classes that were named on fewer than ${rowsForOwn} validation rows share a threshold.`;
}

function answeredTable(lines: readonly (readonly [split: string, figures: Answered])[]): Html {
  return scrollBox(
    'Operating point',
    html`<table><thead><tr><th scope="col">Split</th><th scope="col" class="num">Labelled rows</th><th scope="col" class="num">Answered</th><th scope="col" class="num">Of them right</th></tr></thead>
<tbody>${lines.map(
      ([split, { rows, answered, right }]) =>
        html`<tr><th scope="row">${split}</th><td class="num">${count(rows)}</td><td class="num">${percent(answered / Math.max(1, rows))}</td><td class="num">${answered === 0 ? NONE : percent(right / answered)}</td></tr>`,
    )}</tbody></table>`,
  );
}
