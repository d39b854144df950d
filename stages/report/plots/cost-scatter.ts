import { type Html, html } from '#stages/report/html.ts';
import { type Axis, CHART_PAPER, frame, plotArea, px } from './frame.ts';
import { linearScale, logScale, niceRange, spread } from './scale.ts';

export interface PricedModel {
  readonly name: string;
  readonly colour: number;
  /** Parameters, bytes or milliseconds; positive. */
  readonly cost: number;
  readonly accuracy: number;
  readonly interval: readonly [number, number];
}

export interface CostScatter {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly models: readonly PricedModel[];
  readonly x: Pick<Axis, 'label' | 'format'>;
}

/** Accuracy with its interval over what it costs, on a logarithmic axis; the names stand beside the dots. */
export function costScatter(chart: CostScatter): Html {
  const area = plotArea(CHART_PAPER);
  const costs = chart.models.map(({ cost }) => cost);
  const ends = chart.models.flatMap(({ interval }) => interval);
  const x = logScale([Math.min(...costs) / 2, Math.max(...costs) * 2], area.x);
  const y = linearScale(niceRange(Math.min(...ends), Math.max(...ends)), area.y);
  const heights = chart.models.map(({ accuracy }) => y.place(accuracy));
  const [foot, top] = area.y;
  const labelHeights = spread(heights, LABEL_GAP, [top + 4, foot - 4]);
  return frame(
    {
      ...chart,
      paper: CHART_PAPER,
      x: { ...chart.x, scale: x },
      y: {
        label: 'accuracy %',
        scale: y,
        format: (share) => String(Number((share * 100).toFixed(1))),
      },
    },
    chart.models.map((model, index) => {
      const left = x.place(model.cost) + dodge(chart.models, index);
      const height = y.place(model.accuracy);
      const labelHeight = labelHeights[index] ?? height;
      const [low, high] = model.interval;
      // Towards the middle, where there is room.
      const side = x.place(model.cost) > (area.x[0] + area.x[1]) / 2 ? -1 : 1;
      const labelLeft = x.place(model.cost) + side * LABEL_DISTANCE;
      return html`<path class="interval c${model.colour}" d="M${px(left)} ${px(y.place(low))}V${px(y.place(high))}"/>
<path class="leader" d="M${px(left + side * 5)} ${px(height)}L${px(labelLeft - side * 2)} ${px(labelHeight)}"/>
<circle class="dot solid c${model.colour}" cx="${px(left)}" cy="${px(height)}" r="4"/>
<text class="mark-label" x="${px(labelLeft)}" y="${px(labelHeight)}" dy="3.5" text-anchor="${side > 0 ? 'start' : 'end'}">${model.name}</text>`;
    }),
  );
}

/** Models of one cost stand side by side and not on top of each other. */
function dodge(models: readonly PricedModel[], index: number): number {
  const same = models.flatMap(({ cost }, other) => (cost === models[index]?.cost ? [other] : []));
  return (same.indexOf(index) - (same.length - 1) / 2) * DODGE;
}

const LABEL_GAP = 13;
const LABEL_DISTANCE = 30;
const DODGE = 11;
