import { type Html, type HtmlValue, html } from '#stages/report/html.ts';
import type { Scale } from './scale.ts';

/** Paper of a plot in SVG units; they are about pixels on a phone and grow with the column on a desk. */
export interface Paper {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface Axis {
  readonly label: string;
  readonly scale: Scale;
  format(value: number): string;
}

export interface FrameOptions {
  /** Unique on the page; names the title and description for screen readers. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly paper: Paper;
  readonly x: Axis;
  readonly y: Axis;
}

/** Axes, grid and labels around the marks of a plot. */
export function frame(options: FrameOptions, marks: HtmlValue): Html {
  const { id, title, description, paper, x, y } = options;
  return html`<svg viewBox="0 0 ${paper.width} ${paper.height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${y.scale.ticks.map((tick) => horizontal(paper, y, tick))}
${x.scale.ticks.map((tick) => vertical(paper, x, tick))}
<path class="axis" d="M${paper.left} ${paper.height - paper.bottom}H${paper.width - paper.right}"/>
<text class="axis-label" x="${paper.width - paper.right}" y="${paper.height - 4}" text-anchor="end">${x.label}</text>
<text class="axis-label" x="2" y="10">${y.label}</text>
${marks}
</svg>`;
}

/** One decimal is a tenth of a pixel: finer than anyone sees. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** The usual paper of a chart; margins leave room for the labels. */
export const CHART_PAPER: Paper = {
  width: 320,
  height: 215,
  left: 38,
  right: 18,
  top: 22,
  bottom: 38,
};

/** Places on the paper between which the values of each axis lie. */
export function plotArea(paper: Paper): { x: [number, number]; y: [number, number] } {
  return {
    x: [paper.left, paper.width - paper.right],
    y: [paper.height - paper.bottom, paper.top],
  };
}

function horizontal(paper: Paper, axis: Axis, tick: number): Html {
  const y = px(axis.scale.place(tick));
  return html`<path class="grid" d="M${paper.left} ${y}H${paper.width - paper.right}"/><text class="tick" x="${paper.left - 5}" y="${y}" dy="3.5" text-anchor="end">${axis.format(tick)}</text>`;
}

function vertical(paper: Paper, axis: Axis, tick: number): Html {
  const x = px(axis.scale.place(tick));
  const foot = paper.height - paper.bottom;
  return html`<path class="axis" d="M${x} ${foot}v4"/><text class="tick" x="${x}" y="${foot + 14}" text-anchor="middle">${axis.format(tick)}</text>`;
}
