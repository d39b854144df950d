import { join, relative } from 'node:path';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { isOfValues, readAnyMetrics, readTimings } from '#datasets/metrics/metrics.ts';
import { readSeedSpread, type SeedSpread } from '#datasets/metrics/seed-spread.ts';
import { type ChosenPoint, readOperatingPoint, shownAnswered } from '#datasets/operating-point.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { type RecommendedFile, readDeployment } from '#stages/students/deployment.ts';
import { type ChoiceOutcome, choicesIn, describeChoice } from './display/choice-table.ts';
import { type ModelOutcome, modelTable } from './display/model-table.ts';
import type { Project } from './project.ts';

/** What a run has brought: the figures of every model and where the results lie. */
export interface Outcome {
  readonly schemaVersion: 1;
  readonly models: readonly ModelOutcome[];
  /** Mean and spread of the variants with several seeds. */
  readonly seeds?: readonly SeedSpread[];
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
  const seeds = await spreadsIn(artifacts);
  return {
    schemaVersion: 1,
    models: models.sort((a, b) => rank(project, a.name) - rank(project, b.name)),
    ...(seeds.length > 0 && { seeds }),
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

async function spreadsIn(artifacts: ReadonlyMap<string, Artifact>): Promise<SeedSpread[]> {
  const found = [...artifacts].filter(([instance]) => instance.startsWith('seed-spread:'));
  return Promise.all(found.map(([, { folder }]) => readSeedSpread(outputFolder(folder, 'spread'))));
}

/** The outcome for people: a table, the paths, and what to try next. */
export function describeOutcome(outcome: Outcome): string {
  const parts: string[] = [];
  if (outcome.models.length > 0) {
    parts.push(`\n${modelTable(outcome.models, outcome.seeds ?? [])}\n`);
  }
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
      metrics.operatingPoint === undefined ? [] : [metrics.operatingPoint],
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
