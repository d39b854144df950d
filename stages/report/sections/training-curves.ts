import { isBetterWhenLess } from '#datasets/metrics/figures.ts';
import { FIGURE_NAMES, isShareFigure, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { count, threeDigits } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { legend, lineChart, type Series } from '#stages/report/plots/line-chart.ts';
import type { Point, ReportData, TrainingCurve } from '#stages/report/report-data.ts';

/** Loss and the leading figure on validation over the steps, all variants on one axis. */
export function trainingCurves({ curves }: Pick<ReportData, 'curves'>): Html | null {
  const figure = curves.find(({ validation }) => validation.points.length > 1)?.validation.figure;
  const validation = seriesOf(curves, (curve) =>
    curve.validation.figure === figure ? curve.validation.points : [],
  );
  const loss = seriesOf(curves, (curve) => curve.loss);
  if (validation.length === 0 && loss.length === 0) return null;
  return html`<section><h2>Training</h2>
${legend(curves)}
<div class="plots">${figure !== undefined && validationFigure(figure, validation)}${loss.length > 0 && lossFigure(loss)}</div></section>`;
}

function validationFigure(figure: string, series: readonly Series[]): Html {
  const name = FIGURE_NAMES[figure] ?? figure;
  const pick = isBetterWhenLess(figure) ? Math.min : Math.max;
  const best = series
    .map((one) => `${one.name} ${shownFigure(figure, pick(...one.points.map(({ y }) => y)))}`)
    .join(', ');
  const isShare = isShareFigure(figure);
  return html`<figure><figcaption><b>Validation ${name}</b><span>Best: ${best}</span></figcaption>
${lineChart({
  id: `validation-${figure}`,
  title: `Validation ${name} over training steps`,
  description: `Best values: ${best}.`,
  series,
  x: { label: 'step', format: count },
  y: {
    label: isShare ? '%' : name,
    format: (value) => String(Number((isShare ? value * 100 : value).toFixed(isShare ? 1 : 3))),
  },
})}</figure>`;
}

function lossFigure(series: readonly Series[]): Html {
  const last = series.map(({ name, points }) => `${name} ${threeDigits(points.at(-1)?.y ?? 0)}`);
  return html`<figure><figcaption><b>Training loss</b><span>Each variant has a loss of its own: compare shapes</span></figcaption>
${lineChart({
  id: 'training-loss',
  title: 'Training loss over training steps',
  description: `Last values: ${last.join(', ')}.`,
  series,
  x: { label: 'step', format: count },
  y: { label: 'loss', format: (loss) => String(Number(loss.toFixed(3))) },
})}</figure>`;
}

function seriesOf(
  curves: readonly TrainingCurve[],
  pointsOf: (curve: TrainingCurve) => readonly Point[],
): Series[] {
  return curves.flatMap((curve) => {
    const points = pointsOf(curve);
    return points.length < 2 ? [] : [{ name: curve.name, colour: curve.colour, points }];
  });
}
