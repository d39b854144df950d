import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { thinned } from './plots/line-chart.ts';
import type { Point, TrainingCurve } from './report-data.ts';

/** Loss and the leading figure on validation over the steps of one training, from its metrics.jsonl. */
export async function readCurve(
  folder: string,
  { name, colour }: Pick<TrainingCurve, 'name' | 'colour'>,
): Promise<TrainingCurve> {
  const lines = parsedLines(await readFile(join(folder, 'metrics.jsonl'), 'utf8'));
  return {
    name,
    colour,
    loss: thinned(pointsOf(lines, 'loss'), MOST_POINTS),
    validation: validationIn(lines),
  };
}

/** Of what a task logs the figure that leads; a classifier logs its accuracy alone. */
function validationIn(lines: readonly Line[]): TrainingCurve['validation'] {
  for (const [field, figure] of LEADING) {
    const points = pointsOf(lines, field);
    if (points.length > 0) return { figure, points: thinned(points, MOST_POINTS) };
  }
  return { figure: 'accuracy', points: [] };
}

type Line = Readonly<Record<string, unknown>>;

/** A log is a by-product: a torn line of a killed run is passed over. */
function parsedLines(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return isRecord(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

function isRecord(value: unknown): value is Line {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pointsOf(lines: readonly Line[], field: string): Point[] {
  return lines.flatMap((line) => {
    const { step, [field]: value } = line;
    return typeof step === 'number' && typeof value === 'number' ? [{ x: step, y: value }] : [];
  });
}

const LEADING = [
  ['entityF1', 'entityF1'],
  ['validationMicroF1', 'microF1'],
  ['validationCorrelation', 'pearson'],
  ['validationNll', 'negativeLogLikelihood'],
  ['validationAccuracy', 'accuracy'],
] as const;
const MOST_POINTS = 160;
