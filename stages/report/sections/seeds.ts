import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import type { SeedSpread } from '#datasets/metrics/seed-spread.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { count } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { scrollBox } from './scroll-box.ts';

/** A model on the page, whatever its task. */
export interface SeededModel {
  readonly metrics: AnyMetrics;
  readonly spread?: SeedSpread | undefined;
}

/** Mean and spread of each variant that was trained with several seeds. */
export function seeds(models: readonly SeededModel[]): Html | null {
  const seeded = models.flatMap(({ metrics, spread }) =>
    spread === undefined ? [] : [{ name: metrics.name, spread }],
  );
  if (seeded.length === 0) return null;
  return html`<section><h2>Several seeds</h2>
<p>Each of these variants was trained once a seed, with nothing else changed. What is smaller than the standard deviation may be chance. Size, latency, classes, parts and mistakes on this page are those of the first seed, which is the student that is exported.</p>
${scrollBox(
  'Mean and spread over seeds',
  html`<table class="pinned"><thead><tr><th scope="col">Student</th><th scope="col">Figure</th><th scope="col" class="num">Seeds</th><th scope="col" class="num">Mean</th><th scope="col" class="num">Standard deviation</th><th scope="col" class="num">Least</th><th scope="col" class="num">Most</th></tr></thead>
<tbody>${seeded.map(({ name, spread }) => rowsOf(name, spread))}</tbody></table>`,
)}
<p class="note">Figures of each class stand in spread.json.</p></section>`;
}

/** The figures of the whole test split, of its parts, of changed texts and of features. */
function rowsOf(name: string, { figures }: SeedSpread): Html[] {
  return Object.entries(figures).flatMap(([path, { n, mean, sd, min, max }]) => {
    const named = namesIn(path);
    if (named === undefined) return [];
    const { figure, of } = named;
    const shown = (value: number) => shownFigure(figure, value);
    return [
      html`<tr><th scope="row" class="name">${name}</th><td>${FIGURE_NAMES[figure] ?? figure}${of !== '' && html` <span class="range">${of}</span>`}</td><td class="num">${count(n)}</td><td class="num">${shown(mean)}</td><td class="num">${shown(sd)}</td><td class="num">${shown(min)}</td><td class="num">${shown(max)}</td></tr>`,
    ];
  });
}

/** A figure and what it is of (nothing: all test rows), from the name that gates use; undefined of a class. */
function namesIn(path: string): { readonly figure: string; readonly of: string } | undefined {
  const [kind = '', ...rest] = path.split('.');
  if (rest.length === 0) return { figure: path, of: '' };
  if (kind === 'linearCka') return { figure: kind, of: rest.join('.') };
  // The name of a class, column or value may have a dot itself; the figure behind it has none.
  if (kind !== 'slice' && kind !== 'robustness') return undefined;
  return { figure: rest.at(-1) ?? '', of: rest.slice(0, -1).join('.') };
}
