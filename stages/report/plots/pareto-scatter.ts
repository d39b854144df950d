import { type Html, html } from '#stages/report/html.ts';
import { type Axis, CHART_PAPER, frame, plotArea, px } from './frame.ts';
import { logScale, roundScale, spread } from './scale.ts';

/** One of many models that differ in settings. */
export interface TriedModel {
  readonly name: string;
  readonly value: number;
  readonly interval: readonly [number, number];
  /** Bytes or milliseconds; positive. */
  readonly cost: number;
  /** No other one is better at the same cost. */
  readonly isOnFront: boolean;
}

export interface ParetoScatter {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly models: readonly TriedModel[];
  readonly x: Pick<Axis, 'label' | 'format'>;
  readonly y: Pick<Axis, 'label' | 'format'>;
}

/** A dot a model over its cost, on a logarithmic axis; those on the front have a name, an interval and a line. */
export function paretoScatter(chart: ParetoScatter): Html {
  const area = plotArea(CHART_PAPER);
  const front = chart.models
    .filter(({ isOnFront }) => isOnFront)
    .sort((a, b) => a.cost - b.cost || a.value - b.value);
  const costs = chart.models.map(({ cost }) => cost);
  const ends = [
    ...chart.models.map(({ value }) => value),
    ...front.flatMap(({ interval }) => interval),
  ];
  const x = logScale([Math.min(...costs) / 1.5, Math.max(...costs) * 1.5], area.x);
  const y = roundScale(Math.min(...ends), Math.max(...ends), area.y);
  const place = ({ cost, value }: TriedModel) => `${px(x.place(cost))} ${px(y.place(value))}`;
  const [foot, top] = area.y;
  const labelHeights = spread(
    front.map(({ value }) => y.place(value) - LABEL_RISE),
    LABEL_GAP,
    [top + 4, foot - 4],
  );
  return frame(
    { ...chart, paper: CHART_PAPER, x: { ...chart.x, scale: x }, y: { ...chart.y, scale: y } },
    [
      ...chart.models.filter(({ isOnFront }) => !isOnFront).map((model) => dot(model, 'c0')),
      html`<path class="line c2" d="M${front.map(place).join('L')}"/>`,
      ...front.map((model, index) => {
        const left = x.place(model.cost);
        const [low, high] = model.interval;
        return html`<path class="interval c2" d="M${px(left)} ${px(y.place(low))}V${px(y.place(high))}"/>
${dot(model, 'solid c2')}
<text class="mark-label" x="${px(left - LABEL_SHIFT)}" y="${px(labelHeights[index] ?? 0)}" text-anchor="end">${model.name}</text>`;
      }),
    ],
  );

  function dot({ cost, value }: TriedModel, kind: string): Html {
    return html`<circle class="dot ${kind}" cx="${px(x.place(cost))}" cy="${px(y.place(value))}" r="3.5"/>`;
  }
}

const LABEL_GAP = 12;
const LABEL_RISE = 5;
const LABEL_SHIFT = 6;
