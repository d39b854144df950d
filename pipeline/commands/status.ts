import { EXIT_CODES } from '#pipeline/failures.ts';
import { type Change, describeChange, type Freshness, reasonOf } from '#pipeline/plan.ts';
import { openProject, type ProjectOptions, statusOf } from '#pipeline/project.ts';
import { textTable } from '#pipeline/text-table.ts';

export interface StatusCommandOptions extends ProjectOptions {
  readonly check?: boolean;
  readonly json?: boolean;
  readonly rehash?: boolean;
}

/** One line of `decant status`; the JSON form is versioned. */
interface StageStatus {
  readonly stage: string;
  readonly state: 'fresh' | 'stale' | 'partial' | 'waiting';
  readonly because: string;
  readonly changes: readonly Change[];
  readonly madeAt?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** `decant status`: returns the exit code. */
export async function statusCommand(options: StatusCommandOptions): Promise<number> {
  const project = openProject(options);
  const status = await statusOf(project, { rehash: options.rehash === true });
  const stages = [...status].map(([name, freshness]) => describe(name, freshness));
  if (options.json === true) {
    process.stdout.write(
      `${JSON.stringify({ schemaVersion: 1, store: project.store, stages }, null, 1)}\n`,
    );
  } else {
    const rows = stages.map(({ stage, state, because }) => [stage, state, because]);
    process.stdout.write(`${textTable(['stage', 'state', 'because'], rows)}\n`);
  }
  const isFresh = stages.every(({ state }) => state === 'fresh');
  return options.check === true && !isFresh ? EXIT_CODES.notFresh : EXIT_CODES.done;
}

function describe(stage: string, freshness: Freshness): StageStatus {
  switch (freshness.state) {
    case 'fresh': {
      const { finishedAt, environment } = freshness.artifact.manifest;
      const where = environment['provider'] ?? environment['device'];
      const because = `made ${finishedAt.slice(0, 16).replace('T', ' ')}${where === undefined ? '' : ` on ${where}`}`;
      return { stage, state: 'fresh', because, changes: [], madeAt: finishedAt, environment };
    }
    case 'stale': {
      const because = describeChanges(freshness.changes) || reasonOf(freshness);
      const state = freshness.isPartial ? 'partial' : 'stale';
      return { stage, state, because, changes: freshness.changes };
    }
    case 'waiting':
      return { stage, state: 'waiting', because: `on ${firstOf(freshness.on, ', ')}`, changes: [] };
    default:
      return freshness satisfies never;
  }
}

/** The first changes in words; `--json` has them all. */
function describeChanges(changes: readonly Change[]): string {
  return firstOf(changes.map(describeChange), '; ');
}

function firstOf(texts: readonly string[], separator: string): string {
  const more = texts.length - SHOWN;
  const shown = texts.slice(0, SHOWN);
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join(separator);
}

const SHOWN = 3;
