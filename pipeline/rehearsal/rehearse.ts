import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artifact,
  instanceFolder,
  listArtifacts,
  outputFolder,
} from '#cache/artifact-store.ts';
import { differencesBetween } from '#cache/differences.ts';
import type { FileDigests } from '#cache/file-digests.ts';
import { isFurtherSeed } from '#pipeline/config/seeds.ts';
import type { HostTask, Trial } from '#pipeline/run/host-protocol.ts';
import { recipeOf } from '#pipeline/run/plan.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import type { SoftLabelConfig } from '#stages/soft-label/settings.ts';
import { requireSpace, rowsOf } from './space.ts';
import { SLICED_OUTPUTS, type StandIns } from './stand-ins.ts';

/** What a rehearsal looks at. */
export interface Scene {
  readonly store: string;
  /** Instances of this run, in order. */
  readonly instances: readonly StageInstance[];
  readonly prepared: Artifact;
  /** The pass that is about to begin. */
  readonly softLabel: StageInstance;
  readonly digests: FileDigests;
  /** Bytes of weights times rows from which on a rehearsal is worth its seconds. */
  readonly worthwhile?: number;
}

/**
 * What can fail cheaply is tried before the teacher is asked: there is room on the disk, and every
 * student that was never made with these settings is built, takes one step and is written, and the
 * exported one is opened and compared. Students are left out where the teacher is done sooner than that.
 * Says whether any were tried.
 */
export async function rehearse(
  scene: Scene,
  run: (task: HostTask) => Promise<void>,
  say: (message: string) => void,
): Promise<boolean> {
  const { store, instances, prepared, softLabel, worthwhile = WORTHWHILE } = scene;
  await requireSpace(scene);
  if (teacherWork(prepared, softLabel) < worthwhile) return false;
  const untried = await untriedOf(scene);
  const tried = withNeeded(instances, untried);
  if (tried.length === 0) return false;
  const names = tried.map(({ name }) => name).join(', ');
  say(`tries ${names} on a few rows before the teacher is asked`);
  const folder = join(store, 'partial', 'rehearsal');
  await rm(folder, { recursive: true, force: true });
  try {
    for (const task of tasksOf(tried, scene, folder)) await run(task);
    return true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** TensorFlow and ONNX Runtime never share a process, so each kind of stage gets its own. */
function tasksOf(
  tried: readonly StageInstance[],
  { prepared, softLabel }: Scene,
  folder: string,
): HostTask[] {
  const place = { folder, prepared: prepared.folder };
  const needed = tried.flatMap(({ inputs }) => Object.values(inputs));
  const caches = new Set(
    needed
      .filter(({ output }) => output.startsWith('rows/'))
      .map(({ instance }) => join(folder, instanceFolder(instance))),
  );
  const evaluated = needed
    .filter(({ instance }) => instance.startsWith('evaluate:'))
    .map((ref) => ({ folder: placeOf(ref, place), name: ref.instance.split(':')[1] ?? '' }));
  const config = softLabel.config as SoftLabelConfig;
  const standIns: StandIns = { ...place, softLabel: config, caches: [...caches], evaluated };
  const kinds = [...new Set(tried.map(({ stage }) => stage.name))];
  return kinds.map((kind, index) => ({
    type: 'rehearse',
    standIns: index === 0 ? standIns : null,
    trials: tried.filter(({ stage }) => stage.name === kind).map((one) => trialOf(one, place)),
  }));
}

/** Bytes of weights times rows: what the pass costs, on whatever device. */
function teacherWork(prepared: Artifact, { files }: StageInstance): number {
  const weights = (files['model'] ?? []).map((path) => statSync(path).size);
  const bytes = weights.reduce((sum, size) => sum + size, 0);
  return bytes * rowsOf(prepared);
}

/** Instances of this run that no sealed artifact shows to work with these very settings. */
async function untriedOf({ store, instances, digests }: Scene): Promise<StageInstance[]> {
  const untried: StageInstance[] = [];
  for (const instance of instances) {
    if (instance.stage.rehearsal === undefined || instance.pinned !== undefined) continue;
    if (isFurtherSeed(instance.name) || isOfSeveralHeads(instance)) continue;
    const recipe = await recipeOf(instance, digests);
    const made = await listArtifacts(store, instance.name);
    const isKnown = made.some(
      ({ manifest }) => differencesBetween(manifest.recipe, recipe).length === 0,
    );
    if (!isKnown) untried.push(instance);
  }
  return untried;
}

/** Is it about a student with several heads, each of which would need stand-ins of its own? */
function isOfSeveralHeads({ inputs }: StageInstance): boolean {
  return Object.keys(inputs).some((input) => input.startsWith('heads/'));
}

/** The untried instances, and those that can be tried and that these start from, choose among or export. */
function withNeeded(
  instances: readonly StageInstance[],
  untried: readonly StageInstance[],
): readonly StageInstance[] {
  const needed = new Set(untried.map(({ name }) => name));
  // Inputs come before their users, so that one look from the end finds those of inputs too.
  for (const { name, inputs } of instances.toReversed()) {
    if (!needed.has(name)) continue;
    for (const { instance } of Object.values(inputs)) needed.add(instance);
  }
  return instances.filter(({ name, stage }) => needed.has(name) && stage.rehearsal !== undefined);
}

function trialOf(
  { name, stage, config, files, inputs }: StageInstance,
  place: { readonly folder: string; readonly prepared: string },
): Trial {
  const inputFolders = Object.entries(inputs)
    // Views are rows like the others: without them a student is tried as well.
    .filter(([input]) => !input.startsWith('views/'))
    .map(([input, ref]) => [input, placeOf(ref, place)]);
  return {
    instance: name,
    stage: stage.name,
    config,
    files,
    inputFolders: Object.fromEntries(inputFolders),
    folder: join(place.folder, instanceFolder(name)),
  };
}

function placeOf(
  { instance, output }: StageInstance['inputs'][string],
  { folder, prepared }: { readonly folder: string; readonly prepared: string },
): string {
  return instance === 'prepare' && !SLICED_OUTPUTS.includes(output)
    ? outputFolder(prepared, output)
    : join(folder, instanceFolder(instance), output);
}

/** A model of 100 MB and 1,000 rows: a few seconds on two cores, about what a rehearsal takes. */
const WORTHWHILE = 1e11;
