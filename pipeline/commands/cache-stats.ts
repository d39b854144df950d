import { Failure } from '#cache/failure.ts';
import type { Split } from '#datasets/example.ts';
import { isValueTask } from '#datasets/task.ts';
import { type CacheStatistics, cacheStatistics } from '#pipeline/caches/cache-statistics.ts';
import { softLabelViews } from '#pipeline/caches/soft-label-caches.ts';
import { percent, textHistogram } from '#pipeline/display/text-histogram.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { formatCount } from '#pipeline/observers/progress.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface CacheStatsOptions extends ProjectOptions {
  readonly teacher?: string;
  readonly split?: Split;
  /** Classes to show. */
  readonly classes: number;
  readonly json?: boolean;
}

/** Confidence, margin and agreement are of one class a row. */
class NoStatisticsError extends Failure {
  constructor(task: string) {
    super(
      'usage',
      'E_CACHE_TASK',
      `cache stats counts best classes, and task ${task} has none`,
      'ask for what you want to know: npx decant cache sql "select avg(logits[1]) from soft_labels"; figures stand in the report',
    );
  }
}

/** `decant cache stats`: how sure the teacher is, how often it agrees with gold, and how much is kept. */
export async function cacheStatsCommand(options: CacheStatsOptions): Promise<number> {
  const project = openProject(options);
  const { task } = project.loaded.config;
  if (isValueTask(task)) throw new NoStatisticsError(task);
  const views = await softLabelViews(project, options.teacher);
  const statistics = await cacheStatistics(views, options.split);
  const text =
    options.json === true
      ? JSON.stringify({ schemaVersion: 1, ...statistics }, null, 1)
      : textOf(statistics, options.classes);
  process.stdout.write(`${text}\n`);
  return 0;
}

function textOf({ splits, histograms, classes }: CacheStatistics, shown: number): string {
  const hidden = classes.length - shown;
  return [
    splitTable(splits),
    ...histograms.map(({ name, bins }) => textHistogram(name, bins)),
    classTable(classes.slice(0, shown)),
    ...(hidden > 0 ? [`${hidden} more classes: --classes ${classes.length}`] : []),
  ].join('\n\n');
}

function splitTable(splits: CacheStatistics['splits']): string {
  const cells = splits.map((one) => [
    one.split,
    formatCount(one.rows),
    formatCount(one.labelled),
    percent(one.agreement),
    mean(one.confidence),
    mean(one.margin),
    mean(one.entropyNats),
    mean(one.keptMass),
    percent(one.goldKept),
  ]);
  const names = ['split', 'rows', 'labelled', 'agree', ...MEANS, 'gold kept'];
  return textTable(names, cells);
}

function classTable(classes: CacheStatistics['classes']): string {
  const cells = classes.map((one) => [
    one.name,
    formatCount(one.labelled),
    percent(one.agreement),
    one.takenFor ?? '-',
    formatCount(one.rows),
    mean(one.confidence),
    mean(one.entropyNats),
    mean(one.keptMass),
  ]);
  const names = ['class', 'labelled', 'agree', 'mostly taken for', 'rows', ...MEANS_OF_A_CLASS];
  return textTable(names, cells);
}

function mean(value: number | null): string {
  return value === null ? '-' : value.toFixed(4);
}

const MEANS = ['confidence', 'margin', 'entropy', 'kept'];
const MEANS_OF_A_CLASS = ['confidence', 'entropy', 'kept'];
