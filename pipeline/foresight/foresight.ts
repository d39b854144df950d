import { join } from 'node:path';
import { type Artifact, listArtifacts } from '#cache/artifact-store.ts';
import { type FileDigests, openFileDigests } from '#cache/file-digests.ts';
import { earlierOf } from '#pipeline/caches/earlier-artifacts.ts';
import { ReportedFailure } from '#pipeline/failures.ts';
import type { Project } from '#pipeline/project.ts';
import { type FreshArtifacts, type Freshness, freshnessOf, orderOf } from '#pipeline/run/plan.ts';
import { runPipeline } from '#pipeline/run/run-pipeline.ts';
import { filesOf, type StageInstance } from '#pipeline/wiring/graph.ts';
import { prepare } from '#stages/prepare/index.ts';
import type { BatchShape } from '#stages/soft-label/batches.ts';
import { type Outlook, outlookOf } from '#stages/soft-label/outlook.ts';
import type { SoftLabelConfig } from '#stages/soft-label/settings.ts';
import type { StageContext } from '#stages/stage.ts';
import { aside } from './scratch.ts';

/** What a run would find, as far as it can be known beforehand. */
export interface Foresight {
  readonly freshness: ReadonlyMap<string, Freshness>;
  /** The corpus as prepare makes or has made it, which an instance of stage one reads. */
  readonly preparedFor: (instance: string) => Artifact;
  /** What would meet a teacher, by its instance of stage one, in batches of the shape that is known of it. */
  readonly outlook: (instance: string, shape?: BatchShape) => Promise<Outlook>;
}

/**
 * Looks ahead without touching the store. A stale prepare is run in the scratch store, so that the rows
 * that would meet the teacher are counted and not guessed.
 */
export async function foresee(
  { graph, store }: Project,
  scratch: string,
  options: { readonly rehash: boolean; readonly say: (message: string) => void },
): Promise<Foresight> {
  const digests = await openFileDigests(join(store, 'digests.json'), options);
  const upstream: FreshArtifacts = new Map();
  const freshness = new Map<string, Freshness>();
  const prepared = new Map<string, Artifact>();
  for (const instance of graph) {
    const found = await freshnessOf(instance, upstream, store, digests);
    freshness.set(instance.name, found);
    const fresh = found.state === 'fresh' ? found.artifact : undefined;
    const isPrepare = instance.stage === prepare;
    const isAside = fresh === undefined && isPrepare;
    const { name } = instance;
    if (isAside) options.say(`${name} is stale: it is run in a scratch store, to count rows`);
    const artifact = isAside ? await prepareAside(graph, name, scratch) : fresh;
    if (artifact !== undefined) upstream.set(name, artifact);
    if (isPrepare && artifact !== undefined) prepared.set(name, artifact);
  }
  const preparedFor = (name: string) => {
    const artifact = prepared.get(instanceNamed(graph, name).inputs['classes']?.instance ?? '');
    if (artifact === undefined) throw new Error(`the graph has no corpus for ${name}`);
    return artifact;
  };
  const outlook = async (name: string, shape?: BatchShape) => {
    const context = await contextOf(instanceNamed(graph, name), upstream, { store, digests });
    return outlookOf(context, shape);
  };
  return { freshness, preparedFor, outlook };
}

/** Runs a prepare in a scratch store, silently; throws what it fails with. */
async function prepareAside(
  graph: readonly StageInstance[],
  name: string,
  scratch: string,
): Promise<Artifact> {
  const never = new AbortController().signal;
  const { artifacts, failure } = await runPipeline({
    ...aside(
      graph.filter((one) => one.name === name),
      name,
    ),
    store: scratch,
    observers: [],
    stop: never,
    kill: never,
  });
  if (failure !== undefined) throw new ReportedFailure(failure);
  const artifact = artifacts.get(name);
  if (artifact === undefined) throw new Error(`${name} left no artifact`);
  return artifact;
}

/** What soft-label would be given, but for folders to write to. */
async function contextOf(
  instance: StageInstance,
  upstream: FreshArtifacts,
  { store, digests }: { readonly store: string; readonly digests: FileDigests },
): Promise<StageContext<SoftLabelConfig>> {
  const order = await orderOf(instance, upstream, digests);
  return {
    config: instance.config as SoftLabelConfig,
    files: filesOf(instance),
    inputs: order.inputFolders,
    outputs: {},
    earlier: await earlierOf(store, order),
    recipe: order.recipe,
    recomputeTeacher: false,
    signal: new AbortController().signal,
  };
}

function instanceNamed(graph: readonly StageInstance[], name: string): StageInstance {
  const instance = graph.find((one) => one.name === name);
  if (instance === undefined) throw new Error(`the graph has no ${name}`);
  return instance;
}

/** How long a stage took and how large its result was, the last time. */
export interface Precedent {
  readonly ms: number;
  readonly bytes: number;
  /** Rows of soft labels, and those of them that the teacher answered; 0 for other stages. */
  readonly rows: number;
  readonly teacherRows: number;
}

/** The newest artifact of an instance that was made by working and not by taking over; undefined where there is none. */
export async function precedentOf(store: string, instance: string): Promise<Precedent | undefined> {
  const precedents = (await listArtifacts(store, instance)).map(({ manifest }): Precedent => {
    const files = Object.values(manifest.outputs).flatMap((output) => output.files);
    return {
      ms: Date.parse(manifest.finishedAt) - Date.parse(manifest.startedAt),
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      rows: (manifest.counts['rowsReused'] ?? 0) + (manifest.counts['rowsNew'] ?? 0),
      teacherRows: manifest.counts['teacherRows'] ?? 0,
    };
  });
  return precedents.find(({ teacherRows }) => teacherRows > 0) ?? precedents[0];
}
