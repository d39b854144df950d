import { firstOf, textTable } from '#pipeline/display/text-table.ts';
import { EXIT_CODES } from '#pipeline/failures.ts';
import { type Foresight, foresee, precedentOf } from '#pipeline/foresight/foresight.ts';
import { withScratchStore } from '#pipeline/foresight/scratch.ts';
import { formatBytes, formatCount, formatDuration } from '#pipeline/observers/progress.ts';
import type { Project } from '#pipeline/project.ts';
import { mostBytes, rowsOf } from '#pipeline/rehearsal/space.ts';
import { describeChange } from '#pipeline/run/plan.ts';
import type { Selection } from '#pipeline/run/selection.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import type { Outlook } from '#stages/soft-label/outlook.ts';

/** One stage of `decant run --dry-run`. */
interface Prospect {
  readonly stage: string;
  /** `look`: what it waits for has to be made before it is known whether it has to run. */
  readonly would: 'run' | 'keep' | 'look' | 'skip';
  readonly because: string;
  readonly teacherRows?: number;
  /** From the last time that it ran; absent where it never did. */
  readonly expectedMs?: number;
  readonly expectedBytes?: number;
}

export interface DryRunOptions {
  readonly rehash?: boolean;
  readonly json?: boolean;
}

/** `decant run --dry-run`: what would run, why, what of it meets the teacher, how long and how large. */
export async function dryRun(
  project: Project,
  selection: Selection,
  options: DryRunOptions,
): Promise<number> {
  const prospects = await withScratchStore(project.store, async (scratch) => {
    const foresight = await foresee(project, scratch, {
      rehash: options.rehash === true,
      say: (message) => void process.stderr.write(`${message}\n`),
    });
    const found: Prospect[] = [];
    let refusal: string | null = null;
    for (const { name, stage } of project.graph) {
      const asks = stage === softLabel && foresight.freshness.get(name)?.state === 'stale';
      const outlook = asks ? await foresight.outlook(name) : undefined;
      refusal ??= outlook?.refusal ?? null;
      found.push(await prospectOf(name, { ...foresight, outlook }, project, selection));
    }
    return { stages: found, refusal };
  });
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ schemaVersion: 1, ...prospects }, null, 1)}\n`);
    return EXIT_CODES.done;
  }
  const rows = prospects.stages.map(cellsOf);
  const columns = ['stage', 'would', 'teacher rows', 'time', 'disk', 'because'];
  process.stdout.write(`${textTable(columns, rows)}\n`);
  process.stdout.write('\ntime and disk are those of the last time; -: never made here\n');
  if (prospects.refusal !== null) {
    const way = 'the run would stop there with exit code 2 unless --recompute-teacher is given';
    process.stdout.write(`\n${prospects.refusal}\n${way}\n`);
  }
  return EXIT_CODES.done;
}

async function prospectOf(
  stage: string,
  {
    freshness,
    outlook,
    preparedFor,
  }: Omit<Foresight, 'outlook'> & { outlook: Outlook | undefined },
  { store, graph }: Project,
  selection: Selection,
): Promise<Prospect> {
  const found = freshness.get(stage);
  const instance = graph.find(({ name }) => name === stage);
  if (found === undefined || instance === undefined || !selection.includes(stage)) {
    return { stage, would: 'skip', because: 'not selected' };
  }
  if (found.state === 'fresh' && !selection.isForced(stage)) {
    return { stage, would: 'keep', because: instance.pinned === undefined ? 'fresh' : 'pinned' };
  }
  const last = await precedentOf(store, stage);
  const expected = last && { expectedMs: last.ms, expectedBytes: last.bytes };
  if (found.state === 'waiting') {
    return { stage, would: 'look', because: `after ${firstOf(found.on, ', ')}`, ...expected };
  }
  const because =
    found.state === 'fresh'
      ? 'asked for by --force'
      : firstOf(found.changes.map(describeChange), '; ') || 'not made yet';
  if (instance.stage !== softLabel) return { stage, would: 'run', because, ...expected };
  const prepared = preparedFor(stage);
  const teacherRows = outlook?.newRows ?? rowsOf(prepared);
  const bytes =
    last === undefined || last.rows === 0
      ? await mostBytes(prepared, instance)
      : (last.bytes / last.rows) * rowsOf(prepared);
  const ms = last && last.teacherRows > 0 ? (last.ms / last.teacherRows) * teacherRows : undefined;
  const time = ms === undefined ? {} : { expectedMs: Math.round(ms) };
  return {
    stage,
    would: 'run',
    because,
    teacherRows,
    ...time,
    expectedBytes: Math.round(bytes),
  };
}

function cellsOf(prospect: Prospect): string[] {
  const { stage, would, because, teacherRows, expectedMs, expectedBytes } = prospect;
  const isIdle = would === 'keep' || would === 'skip';
  return [
    stage,
    would === 'skip' ? '-' : would,
    teacherRows === undefined ? '' : formatCount(teacherRows),
    isIdle ? '' : expectedMs === undefined ? '-' : formatDuration(expectedMs),
    isIdle ? '' : expectedBytes === undefined ? '-' : formatBytes(expectedBytes),
    because,
  ];
}
