import { type Html, html } from '#stages/report/html.ts';
import type { Point } from '#stages/report/report-data.ts';
import { type Axis, CHART_PAPER, frame, plotArea, px } from './frame.ts';
import { linearScale, roundScale } from './scale.ts';

export interface Series {
  readonly name: string;
  readonly colour: number;
  readonly points: readonly Point[];
}

export interface LineChart {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly series: readonly Series[];
  readonly x: Pick<Axis, 'label' | 'format'>;
  readonly y: Pick<Axis, 'label' | 'format'>;
  /** A horizontal line to compare with, such as the teacher's accuracy. */
  readonly reference?: { readonly y: number; readonly label: string };
}

/** Lines over one axis; each series has a colour and a dash of its own, so that it also prints in grey. */
export function lineChart(chart: LineChart): Html {
  const area = plotArea(CHART_PAPER);
  const points = chart.series.flatMap((series) => series.points);
  const heights = [...points.map(({ y }) => y), ...(chart.reference ? [chart.reference.y] : [])];
  const x = linearScale([0, highest(points.map((point) => point.x))], area.x);
  const y = roundScale(lowest(heights), highest(heights), area.y);
  return frame(
    {
      ...chart,
      paper: CHART_PAPER,
      x: { ...chart.x, scale: x },
      y: { ...chart.y, scale: y },
    },
    html`${chart.reference && referenceLine(chart.reference, y.place(chart.reference.y))}
${chart.series.map(
  ({ colour, points: own }) =>
    html`<path class="line c${colour}" d="${pathThrough(own.map((point) => ({ x: x.place(point.x), y: y.place(point.y) })))}"/>`,
)}`,
  );
}

/** Names beside samples of the lines. */
export function legend(series: readonly { name: string; colour: number }[]): Html {
  return html`<ul class="legend">${series.map(
    ({ name, colour }) =>
      html`<li><svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true"><path class="line c${colour}" d="M1 4H25"/></svg>${name}</li>`,
  )}</ul>`;
}

/** At most `limit` points, each the mean of its neighbours: the file stays small however long the training was. */
export function thinned(points: readonly Point[], limit: number): Point[] {
  const size = Math.ceil(points.length / limit);
  if (size <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / size) }, (_, group) => {
    const part = points.slice(group * size, (group + 1) * size);
    const meanOf = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    return { x: meanOf(part.map(({ x }) => x)), y: meanOf(part.map(({ y }) => y)) };
  });
}

function referenceLine({ label }: { label: string }, y: number): Html {
  const { left, right, width } = CHART_PAPER;
  return html`<path class="line c0" d="M${left} ${px(y)}H${width - right}"/><text class="mark-label" x="${width - right}" y="${px(y - 4)}" text-anchor="end">${label}</text>`;
}

function pathThrough(points: readonly Point[]): string {
  return points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${px(x)} ${px(y)}`).join('');
}

function lowest(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Infinity);
}

function highest(values: readonly number[]): number {
  return values.reduce((high, value) => Math.max(high, value), -Infinity);
}
