import { type Html, html } from '#stages/report/html.ts';
import type { HistogramBin } from '#stages/report/report-data.ts';
import { type Axis, CHART_PAPER, frame, plotArea, px } from './frame.ts';
import { linearScale, roundScale } from './scale.ts';

export interface Histogram {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly bins: readonly HistogramBin[];
  readonly colour: number;
  readonly x: Pick<Axis, 'label' | 'format'>;
}

/** Share of the rows in each bin, as bars without gaps to speak of. */
export function histogram(chart: Histogram): Html {
  const area = plotArea(CHART_PAPER);
  const total = chart.bins.reduce((sum, bin) => sum + bin.count, 0) || 1;
  const tallest = chart.bins.reduce((most, bin) => Math.max(most, bin.count / total), 0) || 1;
  const x = linearScale([chart.bins[0]?.from ?? 0, chart.bins.at(-1)?.to ?? 1], area.x);
  const y = roundScale(0, tallest, area.y, 4);
  const [foot] = area.y;
  return frame(
    {
      ...chart,
      paper: CHART_PAPER,
      x: { ...chart.x, scale: x },
      y: {
        label: '% of rows',
        scale: y,
        format: (share) => String(Number((share * 100).toFixed(1))),
      },
    },
    chart.bins.map((bin) => {
      const left = x.place(bin.from);
      const top = y.place(bin.count / total);
      return html`<rect class="bar c${chart.colour}" x="${px(left + 0.5)}" y="${px(top)}" width="${px(x.place(bin.to) - left - 1)}" height="${px(foot - top)}"/>`;
    }),
  );
}

/** Equal-width bins over [0, end]; values past the end count in the last bin. */
export function histogramBins(
  values: ArrayLike<number>,
  end: number,
  binCount: number,
): HistogramBin[] {
  const counts = new Float64Array(binCount);
  for (let row = 0; row < values.length; row++) {
    const bin = Math.floor(((values[row] ?? 0) / end) * binCount);
    const inside = Math.max(0, Math.min(binCount - 1, bin));
    counts[inside] = (counts[inside] ?? 0) + 1;
  }
  return Array.from(counts, (count, bin) => ({
    from: (bin * end) / binCount,
    to: ((bin + 1) * end) / binCount,
    count,
  }));
}
