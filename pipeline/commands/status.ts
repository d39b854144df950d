import { outputFolder, partialFolder } from '#cache/artifact-store.ts';
import { firstOf, textTable } from '#pipeline/display/text-table.ts';
import { EXIT_CODES } from '#pipeline/failures.ts';
import { openProject, type Project, type ProjectOptions, statusOf } from '#pipeline/project.ts';
import { type Change, describeChange, type Freshness, reasonOf } from '#pipeline/run/plan.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';

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
  const stages = await Promise.all(
    [...status].map(([name, freshness]) => describe(project, name, freshness)),
  );
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

async function describe(
  { graph, store }: Project,
  stage: string,
  freshness: Freshness,
): Promise<StageStatus> {
  const instance = graph.find(({ name }) => name === stage);
  switch (freshness.state) {
    case 'fresh': {
      const { finishedAt, environment } = freshness.artifact.manifest;
      const where = [environment['provider'] ?? environment['device'], environment['runtime']];
      const place = where.filter((one) => one !== undefined).join(', ');
      const made = `made ${finishedAt.slice(0, 16).replace('T', ' ')}${place === '' ? '' : ` on ${place}`}`;
      const because = instance?.pinned === undefined ? made : `pinned · ${made}`;
      return { stage, state: 'fresh', because, changes: [], madeAt: finishedAt, environment };
    }
    case 'stale': {
      const { changes, isPartial, order } = freshness;
      const done = isPartial ? await partOf(instance, partialFolder(store, order)) : undefined;
      const why =
        describeChanges(changes) || (isPartial ? 'begun, not finished' : reasonOf(freshness));
      const because = done === undefined ? why : `${done} · ${why}`;
      return { stage, state: isPartial ? 'partial' : 'stale', because, changes };
    }
    case 'waiting':
      return { stage, state: 'waiting', because: `on ${firstOf(freshness.on, ', ')}`, changes: [] };
    default:
      return freshness satisfies never;
  }
}

/** What an interrupted run has left of an artifact. */
async function partOf(
  instance: StageInstance | undefined,
  folder: string,
): Promise<string | undefined> {
  const names = Object.keys(instance?.stage.outputs ?? {});
  const outputs = names.map((name) => [name, outputFolder(folder, name)]);
  // The run whose part it is may be working on it.
  return instance?.stage.describePartial?.(Object.fromEntries(outputs)).catch(() => undefined);
}

/** The first changes in words; `--json` has them all. */
function describeChanges(changes: readonly Change[]): string {
  return firstOf(changes.map(describeChange), '; ');
}
