import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EarlierArtifact, Stage, StageContext, StageEvent } from '#stages/stage.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** What a test hands to a stage; everything left out is empty. */
export interface StageRunOptions {
  /** Checked and completed by the stage's own schema. */
  readonly config?: unknown;
  readonly files?: Readonly<Record<string, readonly string[]>>;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Folder of the outputs; a temporary one that goes away with the process when left out. */
  readonly folder?: string;
  readonly earlier?: readonly EarlierArtifact[];
  readonly recipe?: Readonly<Record<string, unknown>>;
  readonly makers?: NonNullable<StageContext<unknown>['makers']>;
  readonly recomputeTeacher?: boolean;
  readonly signal?: AbortSignal;
  /** Sees each event at once, for tests that abort in the middle. */
  readonly onEvent?: (event: StageEvent) => void;
}

/** What a stage said and where its outputs lie. */
export interface StageRun {
  readonly events: readonly StageEvent[];
  /** Folder of each declared output. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Last value of each count event. */
  readonly counts: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

/** Runs a stage to its end the way the pipeline does, without store, lock or child process. */
export async function runStage<Config>(
  stage: Stage<Config>,
  options: StageRunOptions = {},
): Promise<StageRun> {
  const outputs = await outputFolders(stage, options.folder ?? temporaryFolder());
  const context: StageContext<Config> = {
    config: stage.configSchema.parse(options.config ?? {}),
    files: options.files ?? {},
    inputs: options.inputs ?? {},
    outputs,
    earlier: options.earlier ?? [],
    recipe: options.recipe ?? {},
    ...(options.makers && { makers: options.makers }),
    recomputeTeacher: options.recomputeTeacher ?? false,
    signal: options.signal ?? new AbortController().signal,
  };
  const events: StageEvent[] = [];
  for await (const event of stage.run(context)) {
    events.push(event);
    options.onEvent?.(event);
  }
  return { events, outputs, ...summaryOf(events) };
}

async function outputFolders(
  stage: Pick<Stage<unknown>, 'outputs'>,
  root: string,
): Promise<Record<string, string>> {
  const folders = Object.fromEntries(
    Object.keys(stage.outputs).map((name) => [name, join(root, name)]),
  );
  await Promise.all(Object.values(folders).map((folder) => mkdir(folder, { recursive: true })));
  return folders;
}

function summaryOf(events: readonly StageEvent[]): Pick<StageRun, 'counts' | 'notes' | 'warnings'> {
  const counts = events.flatMap((event) =>
    event.type === 'count' ? [[event.name, event.value] as const] : [],
  );
  return {
    counts: Object.fromEntries(counts),
    notes: events.flatMap((event) => (event.type === 'note' ? [event.message] : [])),
    warnings: events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])),
  };
}
