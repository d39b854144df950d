import { type Html, html } from '#stages/report/html.ts';
import { type Axis, CHART_PAPER, frame, plotArea, px } from './frame.ts';
import { logScale, roundScale, spread } from './scale.ts';

export interface PricedModel {
  readonly name: string;
  readonly colour: number;
  /** Parameters, bytes or milliseconds; positive. */
  readonly cost: number;
  /** Of the leading figure. */
  readonly value: number;
  readonly interval: readonly [number, number];
}

export interface CostScatter {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly models: readonly PricedModel[];
  readonly x: Pick<Axis, 'label' | 'format'>;
  readonly y: Pick<Axis, 'label' | 'format'>;
}

/** A figure with its interval over what it costs, on a logarithmic axis; the names stand beside the dots. */
export function costScatter(chart: CostScatter): Html {
  const area = plotArea(CHART_PAPER);
  const costs = chart.models.map(({ cost }) => cost);
  const ends = chart.models.flatMap(({ interval }) => interval);
  const x = logScale([Math.min(...costs) / 2, Math.max(...costs) * 2], area.x);
  const y = roundScale(Math.min(...ends), Math.max(...ends), area.y);
  const heights = chart.models.map(({ value }) => y.place(value));
  // Of dots that lie on each other, those below are seen around those above.
  const radius = (index: number) => DOT + 2 * countCovers(chart.models, heights, index);
  const [foot, top] = area.y;
  const labelHeights = spread(heights, LABEL_GAP, [top + 4, foot - 4]);
  return frame(
    {
      ...chart,
      paper: CHART_PAPER,
      x: { ...chart.x, scale: x },
      y: { ...chart.y, scale: y },
    },
    chart.models.map((model, index) => {
      const left = x.place(model.cost);
      const height = y.place(model.value);
      const labelHeight = labelHeights[index] ?? height;
      const [low, high] = model.interval;
      // Towards the middle, where there is room.
      const side = left > (area.x[0] + area.x[1]) / 2 ? -1 : 1;
      const labelLeft = left + side * LABEL_DISTANCE;
      return html`<path class="interval c${model.colour}" d="M${px(left)} ${px(y.place(low))}V${px(y.place(high))}"/>
<path class="leader" d="M${px(left + side * 5)} ${px(height)}L${px(labelLeft - side * 2)} ${px(labelHeight)}"/>
<circle class="dot solid apart c${model.colour}" cx="${px(left)}" cy="${px(height)}" r="${radius(index)}"/>
<text class="mark-label" x="${px(labelLeft)}" y="${px(labelHeight)}" dy="3.5" text-anchor="${side > 0 ? 'start' : 'end'}">${model.name}</text>`;
    }),
  );
}

/** How many later dots lie on this one. */
function countCovers(
  models: readonly PricedModel[],
  heights: readonly number[],
  index: number,
): number {
  const covers = (other: number) =>
    models[other]?.cost === models[index]?.cost &&
    Math.abs((heights[other] ?? 0) - (heights[index] ?? 0)) < DOT;
  return models.filter((_, other) => other > index && covers(other)).length;
}

const DOT = 4;
const LABEL_GAP = 13;
const LABEL_DISTANCE = 30;
