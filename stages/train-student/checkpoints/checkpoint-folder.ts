import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoint,
  CorruptCheckpointError,
  type MarkedCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';

/** Where the checkpoints of one training lie. */
export interface CheckpointFolder {
  readonly folder: string;
  /** Digest of all that decides the weights: a training takes up checkpoints of its own recipe only. */
  readonly recipe: string;
  /** How many of the newest are kept. */
  readonly keep: number;
}

/** Where a training goes on; null: from the start. Damaged checkpoints were passed over. */
export interface Resumption {
  readonly checkpoint: Checkpoint | null;
  readonly damaged: readonly CorruptCheckpointError[];
}

/** Writes a checkpoint and then removes those that are no longer kept. */
export async function saveCheckpoint(
  { folder, recipe, keep }: CheckpointFolder,
  checkpoint: Checkpoint,
): Promise<void> {
  const { step } = checkpoint.state;
  await writeCheckpoint(pathOf(folder, step), { ...checkpoint, recipe });
  const steps = await stepsIn(folder);
  // Later ones are of no use: they are damaged, or of a training that this one replaces.
  const kept = steps.filter((one) => one <= step).slice(0, keep);
  for (const one of steps.filter((other) => !kept.includes(other))) {
    await rm(pathOf(folder, one), { force: true });
  }
}

/**
 * The newest checkpoint of this recipe that is whole. Where damaged ones are all there is, the newest of
 * them is thrown: starting over is for a person to decide.
 */
export async function latestCheckpoint({
  folder,
  recipe,
}: Pick<CheckpointFolder, 'folder' | 'recipe'>): Promise<Resumption> {
  const damaged: CorruptCheckpointError[] = [];
  for (const step of await stepsIn(folder)) {
    const found = await readUnlessDamaged(pathOf(folder, step));
    if (found instanceof CorruptCheckpointError) damaged.push(found);
    else if (found.recipe === recipe) return { checkpoint: found, damaged };
  }
  const [newest] = damaged;
  if (newest !== undefined) throw newest;
  return { checkpoint: null, damaged };
}

/** The step that the newest checkpoint was made after, of whatever recipe; null where there is none. */
export async function checkpointedStep(folder: string): Promise<number | null> {
  const [newest] = await stepsIn(folder);
  return newest ?? null;
}

/** Where the student of the last checkpoint lies after a training went astray. */
export function lastGoodFolder(folder: string): string {
  return join(folder, 'last-good');
}

/** Removes the checkpoints of a training that is done, and what an earlier try of it left. */
export async function removeCheckpoints(folder: string): Promise<void> {
  await rm(lastGoodFolder(folder), { recursive: true, force: true });
  for (const step of await stepsIn(folder)) await rm(pathOf(folder, step), { force: true });
}

async function readUnlessDamaged(path: string): Promise<MarkedCheckpoint | CorruptCheckpointError> {
  try {
    return await readCheckpoint(path);
  } catch (error) {
    if (error instanceof CorruptCheckpointError) return error;
    throw error;
  }
}

/** Steps of the checkpoints that are there, newest first. */
async function stepsIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => CHECKPOINT_NAME.exec(name)?.slice(1).map(Number) ?? [])
    .sort((a, b) => b - a);
}

function pathOf(folder: string, step: number): string {
  return join(folder, `checkpoint-${String(step).padStart(8, '0')}.bin`);
}

const CHECKPOINT_NAME = /^checkpoint-(\d{8,})\.bin$/;
