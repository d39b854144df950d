import { answeringWeights } from '#stages/tensorflow/step-program.ts';
import {
  type CheckpointFolder,
  lastGoodFolder,
  latestCheckpoint,
} from './checkpoints/checkpoint-folder.ts';
import { DivergedError } from './losses/loss-guard.ts';

/**
 * Makes what a training that went astray had learned before it usable: writes the student of its last checkpoint
 * and returns the failure that says where. Other failures, and those without a checkpoint, are returned as they are.
 */
export async function withLastGood(
  failure: unknown,
  checkpoints: Pick<CheckpointFolder, 'folder' | 'recipe'>,
  write: (folder: string, weights: Float32Array) => Promise<void>,
): Promise<unknown> {
  if (!(failure instanceof DivergedError)) return failure;
  const { checkpoint } = await latestCheckpoint(checkpoints);
  if (checkpoint === null) return failure;
  const folder = lastGoodFolder(checkpoints.folder);
  await write(folder, answeringWeights(checkpoint.state));
  return new DivergedError({ ...failure.divergence, keptStep: checkpoint.state.step }, folder);
}
