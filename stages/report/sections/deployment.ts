import { type Answered, saidBy } from '#datasets/operating-point.ts';
import { count, NONE, percent } from '#stages/report/format.ts';
import type { Deployed } from '#stages/report/gather-deployment.ts';
import { type Html, html } from '#stages/report/html.ts';
import { scrollBox } from './scroll-box.ts';

/** A model that may be what is deployed. */
interface Measured {
  readonly metrics: { readonly name: string; readonly operatingPoint?: Answered | undefined };
}

/** What to deploy, and how often the exported student abstains there. */
export function deployment(
  { point, recommended }: Deployed,
  headline: Measured,
  models: readonly Measured[],
): Html | null {
  if (point === undefined && recommended === undefined) return null;
  return html`<section><h2>Putting it to use</h2>
${recommended && html`<p>Recommended file: <code>${recommended.file}</code>, ${recommended.because}.</p>`}
${
  point &&
  html`<p>Operating point: <code>${point.validation.goal}</code>. Thresholds and the temperature (${point.temperature.toPrecision(3)}) were chosen on validation rows; the test rows had no part in it.${shared(point)}</p>
${answeredTable([['validation', point.validation], ...onTest(headline, models)])}`
}</section>`;
}

/** The exported student, and the file of it with int8 weights. */
function onTest(
  headline: Measured,
  models: readonly Measured[],
): (readonly [split: string, figures: Answered])[] {
  return models.flatMap(({ metrics: { name, operatingPoint } }) => {
    if (operatingPoint === undefined) return [];
    return [[name === headline.metrics.name ? 'test' : `test, ${name}`, operatingPoint] as const];
  });
}

function shared({ rowsForOwn, sharing, validation }: NonNullable<Deployed['point']>): string {
  return rowsForOwn === null || sharing.length === 0
    ? ''
    : ` ${count(sharing.length)} classes that ${validation.labels ? 'fewer' : 'were named on fewer'} than ${rowsForOwn} validation rows${validation.labels ? ' have' : ''} share a threshold.`;
}

function answeredTable(lines: readonly (readonly [split: string, figures: Answered])[]): Html {
  const ofLabels = lines.some(([, { labels }]) => labels !== undefined);
  return scrollBox(
    'Operating point',
    html`<table><thead><tr><th scope="col">Split</th><th scope="col" class="num">Labelled rows</th><th scope="col" class="num">Answered</th><th scope="col" class="num">${ofLabels ? 'Labels right' : 'Of them right'}</th>${ofLabels && html`<th scope="col" class="num">Labels found</th>`}</tr></thead>
<tbody>${lines.map(([split, figures]) => answeredRow(split, figures))}</tbody></table>`,
  );
}

function answeredRow(split: string, figures: Answered): Html {
  const { rows, answered, labels } = figures;
  const { said, right } = saidBy(figures);
  return html`<tr><th scope="row">${split}</th><td class="num">${count(rows)}</td><td class="num">${percent(answered / Math.max(1, rows))}</td><td class="num">${said === 0 ? NONE : percent(right / said)}</td>${labels && html`<td class="num">${percent(labels.right / Math.max(1, labels.gold))}</td>`}</tr>`;
}
