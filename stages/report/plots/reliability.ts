import type { Metrics } from '#datasets/metrics/metrics.ts';
import { type Html, html } from '#stages/report/html.ts';
import { frame, type Paper, plotArea, px } from './frame.ts';
import { linearScale, type Scale } from './scale.ts';

export interface ReliabilityDiagram {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly bins: Metrics['calibrationBins'];
  readonly colour: number;
  /** Of the axes, in percent. */
  readonly labels?: { readonly x: string; readonly y: string };
}

/**
 * Accuracy over stated confidence: on the diagonal a model means what it says. Each dot is a bin,
 * its area the rows in it, the line from it to the diagonal what the calibration error sums up.
 */
export function reliabilityDiagram(diagram: ReliabilityDiagram): Html {
  const area = plotArea(PAPER);
  const x = linearScale([0, 1], area.x, 4);
  const y = linearScale([0, 1], area.y, 4);
  const rows = diagram.bins.reduce((sum, bin) => sum + bin.count, 0) || 1;
  return frame(
    {
      ...diagram,
      paper: PAPER,
      x: { label: diagram.labels?.x ?? 'confidence %', scale: x, format: wholePercent },
      y: { label: diagram.labels?.y ?? 'accuracy %', scale: y, format: wholePercent },
    },
    html`<path class="diagonal" d="M${px(x.place(0))} ${px(y.place(0))}L${px(x.place(1))} ${px(y.place(1))}"/>
${diagram.bins.map((bin) => dot(bin, { x, y, rows, colour: diagram.colour }))}`,
  );
}

function dot(
  { meanConfidence, accuracy, count }: Metrics['calibrationBins'][number],
  { x, y, rows, colour }: { x: Scale; y: Scale; rows: number; colour: number },
): Html | null {
  if (meanConfidence === null || accuracy === null) return null;
  const [left, top] = [px(x.place(meanConfidence)), px(y.place(accuracy))];
  const radius = Math.max(2, 11 * Math.sqrt(count / rows));
  return html`<path class="gap c${colour}" d="M${left} ${top}V${px(y.place(meanConfidence))}"/><circle class="dot c${colour}" cx="${left}" cy="${top}" r="${px(radius)}"/>`;
}

function wholePercent(share: number): string {
  return String(Math.round(share * 100));
}

const PAPER: Paper = { width: 200, height: 200, left: 30, right: 14, top: 24, bottom: 38 };
