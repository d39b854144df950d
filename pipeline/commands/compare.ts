import { Failure } from '#cache/failure.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { compareRuns, type RunComparison } from '#pipeline/history/run-comparison.ts';
import { findRun, type RunRecord } from '#pipeline/history/run-record.ts';
import { openProject, type ProjectOptions } from '#pipeline/project.ts';

export interface CompareOptions extends ProjectOptions {
  readonly markdown?: boolean;
  readonly json?: boolean;
}

export class UnfinishedRunError extends Failure {
  constructor(runId: string) {
    super(
      'usage',
      'E_RUN_UNFINISHED',
      `${runId} has no readable run.json: it is still running, or it was killed`,
      'compare runs that `npx decant history` shows with a status',
    );
  }
}

/** `decant compare A B`: settings that differ and all figures, side by side. */
export async function compareCommand(
  a: string,
  b: string,
  options: CompareOptions,
): Promise<number> {
  const { store } = openProject(options);
  const comparison = compareRuns(await recordOf(store, a), await recordOf(store, b));
  if (options.json === true) process.stdout.write(`${JSON.stringify(comparison, null, 1)}\n`);
  else
    process.stdout.write(`${describe(comparison, options.markdown ? markdownTable : textTable)}\n`);
  return 0;
}

async function recordOf(store: string, name: string): Promise<RunRecord> {
  const { runId, record } = await findRun(store, name);
  if (record === undefined) throw new UnfinishedRunError(runId);
  return record;
}

type Table = (columns: readonly string[], rows: readonly (readonly string[])[]) => string;

function describe({ a, b, settings, figures }: RunComparison, table: Table): string {
  const differing = table(
    ['setting', a, b],
    settings.map((one) => [one.setting, one.a, one.b]),
  );
  const measured = table(
    ['model', 'figure', a, b, 'change'],
    figures.map((one) => [one.model, one.figure, one.a, one.b, one.change]),
  );
  return [
    settings.length === 0 ? 'The settings are the same.' : differing,
    figures.length === 0 ? 'Neither run has measured a model.' : measured,
  ].join('\n\n');
}

/** A table for a pull request: cells cannot break out of it. */
function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll(/[\r\n]+/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
