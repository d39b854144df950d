import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import {
  findRun,
  type Headline,
  type KnownRun,
  type RunRecord,
  readRuns,
} from '#pipeline/history/run-record.ts';
import { readTags, removeTag, writeTag } from '#pipeline/history/run-tags.ts';
import { formatDuration } from '#pipeline/observers/progress.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface HistoryOptions extends ProjectOptions {
  readonly json?: boolean;
  /** Runs to show; the newest. */
  readonly limit: number;
}

/** `decant history`: the runs of the store, newest first. */
export async function historyCommand(options: HistoryOptions): Promise<number> {
  const { store } = openProject(options);
  const tags = await readTags(store);
  const runs = (await readRuns(store)).slice(0, options.limit);
  const tagsOf = (runId: string) => [...tags].flatMap(([tag, run]) => (run === runId ? [tag] : []));
  if (options.json === true) {
    const listed = runs.map((run) => ({ ...run, tags: tagsOf(run.runId) }));
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, store, runs: listed }, null, 1)}\n`);
    return 0;
  }
  const rows = runs.map((run) => [...describeRun(run), tagsOf(run.runId).join(', ')]);
  process.stdout.write(`${textTable(COLUMNS, rows)}\n`);
  return 0;
}

/** `decant tag RUN NAME`: `cache gc` keeps what a tagged run made. */
export async function tagCommand(
  run: string,
  name: string,
  options: ProjectOptions,
): Promise<number> {
  const { store } = openProject(options);
  const { runId } = await findRun(store, run);
  await writeTag(store, name, runId);
  process.stdout.write(`${name} is ${runId}\n`);
  return 0;
}

/** `decant untag NAME`. */
export async function untagCommand(name: string, options: ProjectOptions): Promise<number> {
  await removeTag(openProject(options).store, name);
  return 0;
}

function describeRun({ runId, record }: KnownRun): string[] {
  if (record === undefined) return [runId, 'no end', '', '', '', ''];
  const made = Object.values(record.stages).filter(({ status }) => status === 'done');
  const took = formatDuration(Date.parse(record.finishedAt) - Date.parse(record.startedAt));
  return [
    runId,
    record.status,
    String(record.exitCode),
    `${made.length} of ${Object.keys(record.stages).length}`,
    took,
    bestStudent(record),
  ];
}

function bestStudent({ metrics }: RunRecord): string {
  const students = Object.entries(metrics).filter(([, { subject }]) => subject === 'student');
  const [best] = students.sort(([, a], [, b]) => leading(b).value - leading(a).value);
  return best === undefined ? '' : `${best[0]} ${leading(best[1]).shown}`;
}

/** The figure that students are compared by. */
function leading(headline: Headline): { value: number; shown: string } {
  const { accuracy, entityF1, figures = {} } = headline;
  // Where most words are no entity, accuracy says little.
  const share = entityF1 ?? accuracy;
  if (share !== undefined) return { value: share, shown: `${(100 * share).toFixed(1)} %` };
  const [name = '', value = null] = Object.entries(figures)[0] ?? [];
  return { value: value ?? -Infinity, shown: `${shownFigure(name, value)} ${FIGURE_NAMES[name]}` };
}

const COLUMNS = ['run', 'status', 'exit', 'made', 'took', 'best student', 'tags'];
