import type { RelabelSummary } from '#datasets/relabel-summary.ts';
import { count, percent, percentPoints, readableClass } from '#stages/report/format.ts';
import { type Html, html } from '#stages/report/html.ts';
import type {
  ModelResult,
  RelabelledExample,
  Relabelling,
  ReportData,
} from '#stages/report/report-data.ts';
import { exampleText } from './example-text.ts';
import { scrollBox } from './scroll-box.ts';

/** What hard-relabel decided, and examples of it. */
export function relabelling({ relabelling: found, models }: ReportData): Html | null {
  if (found === null) return null;
  const { summary, examples } = found;
  return html`<section><h2>Relabelling</h2>
<p>${explanation(found)}</p>
${verdicts(models).map((verdict) => html`<p>${verdict}</p>`)}
${shareBar(parts(found))}
<p class="note">Confidence is calibrated on ${count(summary.calibration.teacher.rows)} labelled validation rows: it is the accuracy seen behind such a claim. ${untouched(found)}</p>
${examples.length > 0 && exampleTable(examples)}</section>`;
}

function explanation({ summary }: Relabelling): string {
  const unlabelled = summary.filled + summary.disagreed + summary.belowConfidence;
  const share = percent(unlabelled === 0 ? 0 : summary.filled / unlabelled);
  const sure = `right at least ${percent(summary.minConfidence, 0)} of the time when it is this sure`;
  const who =
    summary.policy === 'teacher-confident'
      ? `the teacher is ${sure}`
      : `teacher and student put the same class first, and each is ${sure}`;
  const filled = `Of ${count(unlabelled)} train rows without a gold label ${count(summary.filled)} (${share}) got a hard label: ${who}.`;
  return [...(unlabelled > 0 ? [filled] : []), ...changes(summary)].join(' ');
}

function changes({ changed, folds, keptGold, estimatedNoise, capped }: RelabelSummary): string[] {
  if (changed === undefined || folds === undefined) return [];
  const all = keptGold + changed;
  const told = `Of ${count(all)} gold labels ${count(changed)} (${percent(changed / Math.max(1, all))}) were changed, each on the word of one of ${folds} students that had not seen the row.`;
  const estimate =
    estimatedNoise === undefined
      ? []
      : [
          `By the joint estimate of confident learning ${percent(estimatedNoise)} of them are wrong.`,
        ];
  const limits =
    capped === undefined ? [] : [`The caps kept ${count(capped)} more from getting a label.`];
  return [told, ...estimate, ...limits];
}

/** Of each student that has both controls: what its labels brought on the test split. */
function verdicts(models: readonly ModelResult[]): string[] {
  const named = new Map(models.map(({ metrics }) => [metrics.name, metrics]));
  return [...named].flatMap(([name, own]) => {
    const [unchanged, random] = [named.get(`${name}.unchanged`), named.get(`${name}.random`)];
    if (unchanged === undefined || random === undefined) return [];
    const gain = own.accuracy - unchanged.accuracy;
    const [low, high] = own.accuracyInterval;
    const within = Math.abs(gain) < (high - low) / 2;
    const points = `${gain < 0 ? '-' : '+'}${percentPoints(Math.abs(gain), 1)} points`;
    return `Whether it helped: ${name} is right on ${percent(own.accuracy)} of the test rows, with the same steps and no new label on ${percent(unchanged.accuracy)}, with as many labels at random on ${percent(random.accuracy)}. Relabelling brought ${points}${within ? ', which is within the interval of one measurement' : ''}.`;
  });
}

function untouched({ summary }: Relabelling): string {
  return summary.changed === undefined
    ? 'Gold labels and the test split are never touched.'
    : 'The corpus keeps its own labels, and the test split is never touched.';
}

interface Part {
  readonly name: string;
  readonly rows: number;
  readonly colour: number;
}

function parts({ summary }: Relabelling): Part[] {
  return [
    { name: 'gold label kept', rows: summary.keptGold, colour: 0 },
    { name: 'gold label changed', rows: summary.changed ?? 0, colour: 2 },
    { name: 'filled', rows: summary.filled, colour: 3 },
    { name: 'not sure enough', rows: summary.belowConfidence, colour: 1 },
    { name: 'teacher and student disagree', rows: summary.disagreed, colour: 5 },
  ];
}

function shareBar(shares: readonly Part[]): Html {
  const total = shares.reduce((sum, { rows }) => sum + rows, 0) || 1;
  return html`<div class="share" aria-hidden="true">${shares.map(
    ({ rows, colour }) =>
      rows > 0 && html`<i class="c${colour}" style="width:${percentPoints(rows / total, 2)}%"></i>`,
  )}</div>
<ul class="legend">${shares.map(
    ({ name, rows, colour }) =>
      rows > 0 && html`<li><span class="swatch c${colour}"></span>${name} ${count(rows)}</li>`,
  )}</ul>`;
}

function exampleTable(examples: readonly RelabelledExample[]): Html {
  const hadLabels = examples.some(({ oldLabel }) => oldLabel !== null);
  return html`<h3>Examples, least sure first</h3>${scrollBox(
    'Relabelled examples',
    html`<table><thead><tr><th scope="col">Train row</th>${hadLabels && html`<th scope="col">Old label</th>`}<th scope="col">New label</th><th scope="col">Reason</th><th scope="col" class="num">Confidence<small>that decided</small></th><th scope="col" class="num">Teacher<small>student below</small></th></tr></thead>
<tbody>${examples.map(
      (example) =>
        html`<tr><td class="text">${exampleText(example)}</td>${hadLabels && html`<td class="class soft">${example.oldLabel === null ? 'none' : readableClass(example.oldLabel)}</td>`}<td class="class">${readableClass(example.newLabel)}</td><td class="class soft">${example.reason.replaceAll('-', ' ')}</td><td class="num">${percent(example.confidence)}</td><td class="num">${percent(example.teacherConfidence)} <span class="range">${percent(example.studentConfidence)}</span></td></tr>`,
    )}</tbody></table>`,
  )}`;
}
