import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { count, NONE } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { scrollBox } from './scroll-box.ts';

/** How the models do on parts of the test rows, on changed texts, and how like the teacher's their features are. */
export function parts(models: readonly { readonly metrics: AnyMetrics }[]): Html | null {
  const all = models.map(({ metrics }) => metrics);
  const shown = [byColumn(all), robust(all), features(all)].filter((part) => part !== null);
  return shown.length === 0
    ? null
    : html`<section><h2>Parts of the test rows</h2>${shown}</section>`;
}

function byColumn(models: readonly AnyMetrics[]): Html | null {
  const measured = models.filter(({ columnSlices = [] }) => columnSlices.length > 0);
  const slices = measured[0]?.columnSlices ?? [];
  const columns = [...new Set(slices.map(({ column }) => column))];
  if (columns.length === 0) return null;
  const lead = leadOf(slices[0]?.figures);
  return html`<p class="note">Each model\u2019s ${FIGURE_NAMES[lead] ?? lead} on the test rows that have a value in a column of the corpus.</p>${columns.map(
    (column) =>
      html`<h3>By ${column}</h3>${scrollBox(
        `By ${column}`,
        html`<table><thead><tr><th scope="col">${column}</th><th scope="col" class="num">Rows</th>${measured.map(({ name }) => html`<th scope="col" class="num">${name}</th>`)}</tr></thead>
<tbody>${slices
          .filter((slice) => slice.column === column)
          .map(
            ({ value, rows }) =>
              html`<tr><th scope="row" class="class">${value}</th><td class="num">${count(rows)}</td>${measured.map((model) => html`<td class="num">${shownFigure(lead, sliceOf(model, column, value)?.figures[lead])}</td>`)}</tr>`,
          )}</tbody></table>`,
      )}`,
  )}`;
}

function sliceOf({ columnSlices = [] }: AnyMetrics, column: string, value: string) {
  return columnSlices.find((slice) => slice.column === column && slice.value === value);
}

function robust(models: readonly AnyMetrics[]): Html | null {
  const measured = models.flatMap(({ name, robustness = [] }) =>
    robustness.map((change) => ({ ...change, model: name })),
  );
  if (measured.length === 0) return null;
  const lead = leadOf(measured[0]?.figures);
  return html`<h3>Changed texts</h3>
<p>The same test rows with words changed at random, the same way for every student, against the gold of the unchanged ones.</p>${scrollBox(
    'Changed texts',
    html`<table class="pinned"><thead><tr><th scope="col">Student</th><th scope="col">Change</th><th scope="col" class="num">Rows changed</th><th scope="col" class="num">${FIGURE_NAMES[lead] ?? lead}</th><th scope="col" class="num">Drop</th></tr></thead>
<tbody>${measured.map(
      ({ model, name, changed, figures, drops }) =>
        html`<tr><th scope="row" class="name">${model}</th><td>${name}</td><td class="num">${count(changed)}</td><td class="num">${shownFigure(lead, figures[lead])}</td><td class="num">${shownFigure(lead, drops[lead])}</td></tr>`,
    )}</tbody></table>`,
  )}`;
}

function features(models: readonly AnyMetrics[]): Html | null {
  const measured = models.flatMap(({ name, featureSimilarity: found }) =>
    found !== undefined && 'linearCka' in found ? [{ name, ...found }] : [],
  );
  const tensors = [...new Set(measured.flatMap(({ linearCka }) => Object.keys(linearCka)))];
  if (tensors.length === 0) return null;
  return html`<h3>Features beside the teacher\u2019s</h3>
<p>Linear CKA of what a student\u2019s classifier reads and the teacher\u2019s cached features: 1 where one is the other turned and scaled.</p>${scrollBox(
    'Features beside the teacher\u2019s',
    html`<table class="pinned"><thead><tr><th scope="col">Student</th><th scope="col" class="num">Rows</th>${tensors.map((tensor) => html`<th scope="col" class="num">${tensor}</th>`)}</tr></thead>
<tbody>${measured.map(
      ({ name, rows, linearCka }) =>
        html`<tr><th scope="row" class="name">${name}</th><td class="num">${count(rows)}</td>${tensors.map((tensor) => html`<td class="num">${linearCka[tensor]?.toFixed(3) ?? NONE}</td>`)}</tr>`,
    )}</tbody></table>`,
  )}`;
}

/** Why features were compared with nothing; undefined where they were, or where nothing says so. */
export function whyNoFeatures(models: readonly { readonly metrics: AnyMetrics }[]) {
  const found = models.flatMap(({ metrics }) => metrics.featureSimilarity ?? []);
  const isCompared = found.some((one) => 'linearCka' in one);
  const [first] = found.flatMap((one) => ('missing' in one ? one.missing : []));
  return isCompared ? undefined : first;
}

function leadOf(figures: Readonly<Record<string, unknown>> = {}): string {
  return Object.keys(figures)[0] ?? 'accuracy';
}
