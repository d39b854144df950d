import { count, percentPoints, threeDigits } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import { legend, lineChart, type Series } from '#stages/report/plots/line-chart.ts';
import type { Point, ReportData, TrainingCurve } from '#stages/report/report-data.ts';

/** Loss and validation accuracy over the steps, all variants on one axis. */
export function trainingCurves({ curves }: Pick<ReportData, 'curves'>): Html | null {
  const accuracy = seriesOf(curves, (curve) => curve.validationAccuracy);
  const loss = seriesOf(curves, (curve) => curve.loss);
  if (accuracy.length === 0 && loss.length === 0) return null;
  return html`<section><h2>Training</h2>
${legend(curves)}
<div class="plots">${accuracy.length > 0 && accuracyFigure(accuracy)}${loss.length > 0 && lossFigure(loss)}</div></section>`;
}

function accuracyFigure(series: readonly Series[]): Html {
  const best = series.map(({ name, points }) => {
    const highest = points.reduce((high, { y }) => Math.max(high, y), 0);
    return `${name} ${percentPoints(highest)}`;
  });
  return html`<figure><figcaption><b>Validation accuracy</b><span>Best: ${best.join(', ')}&#160;%</span></figcaption>
${lineChart({
  id: 'validation-accuracy',
  title: 'Validation accuracy over training steps',
  description: `Best values in percent: ${best.join(', ')}.`,
  series,
  x: { label: 'step', format: count },
  y: { label: '%', format: (share) => String(Number((share * 100).toFixed(1))) },
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
