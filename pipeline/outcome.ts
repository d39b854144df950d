import { join, relative } from 'node:path';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import {
  type AnyMetrics,
  isOfValues,
  readAnyMetrics,
  readTimings,
  type Timings,
} from '#datasets/metrics.ts';
import { type ChosenPoint, readOperatingPoint, shownAnswered } from '#datasets/operating-point.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/value-metrics.ts';
import { type RecommendedFile, readDeployment } from '#stages/students/deployment.ts';
import { type ChoiceOutcome, choicesIn, describeChoice } from './choice-table.ts';
import { formatBytes, formatCount } from './observers/progress.ts';
import type { Project } from './project.ts';
import { textTable } from './text-table.ts';

/** What a run has brought: the figures of every model and where the results lie. */
export interface Outcome {
  readonly schemaVersion: 1;
  readonly models: readonly ModelOutcome[];
  /** Which students were taken where `architecture: auto` asked for it. */
  readonly choices?: readonly ChoiceOutcome[];
  /** When the exported student is sure enough to be answered by. */
  readonly operatingPoint?: ChosenPoint;
  /** Which of several files of it to deploy. */
  readonly recommendedFile?: RecommendedFile;
  readonly report?: string;
  readonly student?: string;
  readonly cache?: string;
}

interface ModelOutcome {
  readonly name: string;
  readonly metrics: AnyMetrics;
  /** null: it does not run, as its answers stand in files. */
  readonly timings: Timings | null;
}

/** Collects the results of the fresh artifacts; what was not run is left out. */
export async function outcomeOf(
  project: Project,
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<Outcome> {
  const models: ModelOutcome[] = [];
  for (const [instance, { folder }] of artifacts) {
    const [stage, name] = instance.split(':');
    if (stage !== 'evaluate' || name === undefined) continue;
    const metrics = outputFolder(folder, 'metrics');
    models.push({
      name,
      metrics: await readAnyMetrics(metrics),
      timings: await readTimings(metrics),
    });
  }
  const exported = [...artifacts].find(([instance]) => instance.startsWith('export-student:'));
  const report = artifacts.get('report');
  const cache = artifacts.get('soft-label');
  const choices = await choicesIn(artifacts);
  const student = exported && outputFolder(exported[1].folder, 'student');
  const recommendedFile = student && (await readDeployment(student)).recommended_file;
  const operatingPoint = await operatingPointIn(artifacts);
  return {
    schemaVersion: 1,
    models: models.sort((a, b) => rank(project, a.name) - rank(project, b.name)),
    ...(choices.length > 0 && { choices }),
    ...(operatingPoint && { operatingPoint }),
    ...(recommendedFile && { recommendedFile }),
    ...(report && { report: join(outputFolder(report.folder, 'report'), 'report.html') }),
    ...(student && { student }),
    ...(cache && { cache: outputFolder(cache.folder, 'rows') }),
  };
}

/** The chosen operating point among the fresh artifacts of a run. */
async function operatingPointIn(
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<ChosenPoint | undefined> {
  const found = [...artifacts].find(([instance]) => instance.startsWith('operating-point:'));
  return found && readOperatingPoint(outputFolder(found[1].folder, 'operating-point'));
}

/** The outcome for people: a table, the paths, and what to try next. */
export function describeOutcome(outcome: Outcome): string {
  const parts: string[] = [];
  if (outcome.models.length > 0) parts.push(`\n${modelTable(outcome.models)}\n`);
  for (const choice of outcome.choices ?? []) {
    const timingsOf = (name: string) => outcome.models.find((one) => one.name === name)?.timings;
    parts.push(`${describeChoice(choice, (name) => timingsOf(name)?.latencyMsBatch1.p50)}\n`);
  }
  parts.push(...deploymentLines(outcome));
  for (const [label, path] of [
    ['report', outcome.report],
    ['student', outcome.student],
    ['cache', outcome.cache],
  ]) {
    if (path !== undefined) parts.push(`${`${label}`.padEnd(8)} ${here(path)}`);
  }
  if (outcome.student !== undefined && outcome.cache !== undefined) {
    parts.push(
      '\nTry next:',
      ...nextCommands(here(outcome.student), outcome.models).map((command) => `  ${command}`),
    );
  }
  return parts.join('\n');
}

/** How often the exported student answers, and which file of it to deploy. */
function deploymentLines({ models, operatingPoint, recommendedFile }: Outcome): string[] {
  const lines: string[] = [];
  if (operatingPoint !== undefined) {
    const { validation } = operatingPoint;
    const points = models.flatMap(({ metrics }) =>
      isOfValues(metrics) || metrics.operatingPoint === undefined ? [] : [metrics.operatingPoint],
    );
    const test = points[0] === undefined ? '' : `; on test it ${shownAnswered(points[0])}`;
    const said = shownAnswered(validation);
    lines.push(`${validation.goal}: on validation the student ${said}${test}`);
  }
  if (recommendedFile !== undefined) {
    const { file, because } = recommendedFile;
    lines.push(`recommended file: ${file}, ${because}`);
  }
  return lines.map((line) => `${line}\n`);
}

function nextCommands(student: string, [first]: readonly ModelOutcome[]): string[] {
  if (first !== undefined && isOfValues(first.metrics) && isLanguageModel(first.metrics.task)) {
    return ['npx decant cache head', 'npx decant status'];
  }
  return [
    `echo "My new card has still not arrived" | npx decant predict --student ${student}`,
    `npx decant cache sql "select text, gold_label, top_names[1:3] as teacher_says, round(confidence, 3) as confidence from soft_labels join examples using (example_id) where gold_label <> top_label order by confidence desc limit 5"`,
    'npx decant status',
  ];
}

function modelTable(models: readonly ModelOutcome[]): string {
  const figures = models.map(({ metrics }) => figuresOf(metrics));
  const columns = [
    'model',
    ...(figures[0] ?? []).map(([name]) => name),
    'parameters',
    'file',
    'latency p50',
  ];
  const rows = models.map(({ name, metrics, timings }, index) => [
    name,
    ...(figures[index] ?? []).map(([, shown]) => shown),
    metrics.parameters === null ? '-' : millions(metrics.parameters),
    metrics.fileBytes === 0 ? '-' : formatBytes(metrics.fileBytes),
    timings === null ? '-' : `${timings.latencyMsBatch1.p50.toFixed(2)} ms`,
  ]);
  return textTable(columns, rows);
}

/** What a model of this task is judged by. */
function figuresOf(metrics: AnyMetrics): [name: string, shown: string][] {
  if (!isOfValues(metrics)) {
    const entityF1 = metrics.words?.entities?.f1;
    return [
      ...(entityF1 === undefined
        ? []
        : [['entity F1', percent(entityF1)] satisfies [string, string]]),
      ['accuracy', percent(metrics.accuracy)],
      ['agreement', metrics.agreement === null ? '-' : percent(metrics.agreement)],
      ['calibration error', percent(metrics.expectedCalibrationError)],
    ];
  }
  const { figures, agreement, task } = metrics;
  const like = task === 'regression' ? 'pearson' : 'subsetAccuracy';
  const own = Object.entries(figures).map(([name, value]): [string, string] => [
    FIGURE_NAMES[name] ?? name,
    shownFigure(name, value),
  ]);
  return [...own, ['agreement', shownFigure(like, agreement)]];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function millions(count: number): string {
  return count < 1e6
    ? `${formatCount(Math.round(count / 1e3))} k`
    : `${(count / 1e6).toFixed(1)} M`;
}

/** Controls stand behind the variant that they belong to. */
function rank({ loaded }: Project, name: string): number {
  return Object.keys(loaded.config.variants).indexOf(name.split('.')[0] ?? '');
}

/** A path as people paste it: relative to where they are when that is shorter. */
function here(path: string): string {
  const short = relative(process.cwd(), path);
  const chosen = short.length < path.length ? short : path;
  return /[^\w./@:-]/.test(chosen) ? `'${chosen.replaceAll("'", "'\\''")}'` : chosen;
}
