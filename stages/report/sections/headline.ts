import { figuresIn, leadFigure } from '#datasets/metrics/figures.ts';
import { FIGURE_NAMES } from '#datasets/metrics/value-metrics.ts';
import {
  bytes,
  magnitude,
  milliseconds,
  NONE,
  percent,
  percentPoints,
  signed,
} from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type { ModelResult, ReportData } from '#stages/report/report-data.ts';
import { meanFigure, spreadIn } from '#stages/report/spread.ts';

/** What was bought for what, in one sentence and a few figures. */
export function headline(data: ReportData): Html {
  return html`<header><h1>${data.title}</h1>
<p class="lead">${headlineSentence(data)}</p>
<ul class="tiles">${tiles(data).map(
    ({ value, meaning }) => html`<li><b>${value}</b><span>${meaning}</span></li>`,
  )}</ul></header>`;
}

/** `The student keeps 98.3 % of the teacher's accuracy with 2.9 % of its parameters, +4.0 points over gold labels only.` */
export function headlineSentence(data: ReportData): string {
  const parts = [
    data.teacher === null ? reached(data.headline) : kept(data.headline, data.teacher),
    ...(data.baseline === null ? [] : [gained(data.headline, data.baseline)]),
  ];
  const { spread } = data.headline;
  const of = spread === undefined ? '' : `, in the mean of ${spread.students.length} seeds`;
  return `The student ${parts.join(', ')}${of}.`;
}

function reached(student: ModelResult): string {
  const { words, accuracy } = student.metrics;
  return `classifies ${percent(meanFigure(student, 'accuracy', accuracy))} of the test ${words ? 'words' : 'rows'} correctly`;
}

function kept(student: ModelResult, teacher: ModelResult): string {
  const figure = mainFigure(student);
  const share = percent(figure.value / (mainFigure(teacher).value || 1));
  const part = `keeps ${share} of the teacher\u2019s ${figure.name}`;
  // Answers that stand in files have no size.
  if (teacher.metrics.fileBytes === 0) return part;
  const { size, unit } = sizeRatio(student, teacher);
  return `${part} with ${percent(size, size < 0.1 ? 1 : 0)} of its ${unit}`;
}

function gained(student: ModelResult, baseline: ModelResult): string {
  const points = (mainFigure(student).value - mainFigure(baseline).value) * 100;
  const { name } = baseline.metrics;
  const who = name === 'gold-only' ? 'gold labels only' : `gold labels only (${name})`;
  return `${signed(points)} points over ${who}`;
}

/** Where most words are no entity, accuracy says little. With several seeds it is their mean. */
function mainFigure(model: ModelResult): { readonly name: string; readonly value: number } {
  const lead = leadFigure(model.metrics);
  const own = figuresIn(model.metrics).get(lead) ?? model.metrics.accuracy;
  return { name: FIGURE_NAMES[lead] ?? lead, value: meanFigure(model, lead, own) ?? own };
}

function sizeRatio(student: ModelResult, teacher: ModelResult): { size: number; unit: string } {
  const [own, theirs] = [student.metrics.parameters, teacher.metrics.parameters];
  if (own !== null && theirs !== null && theirs > 0)
    return { size: own / theirs, unit: 'parameters' };
  return { size: student.metrics.fileBytes / (teacher.metrics.fileBytes || 1), unit: 'file size' };
}

interface Tile {
  readonly value: string;
  readonly meaning: string;
}

function tiles({ headline: student, teacher }: ReportData): Tile[] {
  const { metrics, timings } = student;
  const seeds = spreadIn(student, 'accuracy');
  const [low, high] = seeds ? [seeds.min, seeds.max] : metrics.accuracyInterval;
  const of = seeds ? `, mean of ${seeds.n} seeds` : '';
  const beside = (text: string | undefined) => (text === undefined ? '' : `; teacher ${text}`);
  return [
    {
      value: percent(meanFigure(student, 'accuracy', metrics.accuracy)),
      meaning: `accuracy of ${metrics.name}${of} (${percentPoints(low)} to ${percentPoints(high)})${beside(teacher ? percent(teacher.metrics.accuracy) : undefined)}`,
    },
    {
      value: percent(meanFigure(student, 'agreement', metrics.agreement)),
      meaning: `of the test ${metrics.words ? 'words' : 'rows'} get the teacher\u2019s class`,
    },
    {
      value: metrics.parameters === null ? bytes(metrics.fileBytes) : magnitude(metrics.parameters),
      meaning: `${metrics.parameters === null ? 'file' : `parameters, ${bytes(metrics.fileBytes)} file`}${beside(teacher && teacher.metrics.fileBytes > 0 ? sizeOf(teacher) : undefined)}`,
    },
    {
      value: timings === null ? NONE : milliseconds(timings.latencyMsBatch1.p50),
      meaning: `median answer to one text${beside(teacher?.timings ? milliseconds(teacher.timings.latencyMsBatch1.p50) : undefined)}`,
    },
  ];
}

function sizeOf({ metrics }: ModelResult): string {
  return metrics.parameters === null
    ? bytes(metrics.fileBytes)
    : `${magnitude(metrics.parameters)}, ${bytes(metrics.fileBytes)}`;
}
