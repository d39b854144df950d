import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { digestOf } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import type { OptimizerState } from '#stages/tensorflow/step-program.ts';

/** The weights to keep so far. */
export interface Best {
  readonly weights: Float32Array;
  readonly step: number;
  /** What a later step has to reach to replace them. */
  readonly threshold: number;
}

/** All that a killed training needs to go on; the loader's place follows from the step. */
export interface Checkpoint {
  readonly state: OptimizerState;
  readonly best: Best | null;
}

/**
 * Writes the one checkpoint file of a training. `recipe` is the digest of all that decides the weights:
 * a training with another recipe does not take it up.
 */
export async function writeCheckpoint(
  folder: string,
  recipe: string,
  { state, best }: Checkpoint,
): Promise<void> {
  const vectors = [state.weights, ...Object.values(state.slots)];
  if (best !== null) vectors.push(best.weights);
  const body = Buffer.concat(
    vectors.map((vector) => Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)),
  );
  const header: Header = {
    formatVersion: 2,
    recipe,
    step: state.step,
    size: state.weights.length,
    slots: Object.keys(state.slots),
    best: best === null ? null : { step: best.step, threshold: best.threshold },
    digest: digestOf(body),
  };
  const line = Buffer.from(`${JSON.stringify(header)}\n`);
  await writeFileAtomic(checkpointPath(folder), Buffer.concat([line, body]));
}

/** Reads the checkpoint of an interrupted training; null where there is none of this recipe. */
export async function readCheckpoint(folder: string, recipe: string): Promise<Checkpoint | null> {
  const path = checkpointPath(folder);
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null) return null;
  const end = bytes.indexOf('\n');
  const header = parseHeader(path, bytes.toString('utf8', 0, Math.max(0, end)));
  if (header.recipe !== recipe) return null;
  const body = bytes.subarray(end + 1);
  if (digestOf(body) !== header.digest)
    throw new CorruptCheckpointError(path, 'its digest differs');
  const vector = (index: number): Float32Array => {
    const start = index * header.size * Float32Array.BYTES_PER_ELEMENT;
    // A copy, since a view on the file would need a start that is a multiple of 4.
    return new Float32Array(
      Uint8Array.from(body.subarray(start, start + header.size * Float32Array.BYTES_PER_ELEMENT))
        .buffer,
    );
  };
  const { step, slots, best } = header;
  const named = slots.map((name, index) => [name, vector(1 + index)]);
  return {
    state: { weights: vector(0), slots: Object.fromEntries(named), step },
    best: best === null ? null : { ...best, weights: vector(1 + slots.length) },
  };
}

/** The step that a checkpoint was made after, of whatever recipe; null where there is none to read. */
export async function checkpointedStep(folder: string): Promise<number | null> {
  const path = checkpointPath(folder);
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null) return null;
  return parseHeader(path, bytes.toString('utf8', 0, Math.max(0, bytes.indexOf('\n')))).step;
}

/** Removes the checkpoint of a training that is done. */
export async function removeCheckpoint(folder: string): Promise<void> {
  await rm(checkpointPath(folder), { force: true });
}

/** The checkpoint is not what was written. */
export class CorruptCheckpointError extends Failure {
  constructor(path: string, problem: string) {
    super(
      'corrupt',
      'E_CHECKPOINT_CORRUPT',
      `${path}: damaged checkpoint: ${problem}`,
      'delete the file; the training then starts from step 0',
    );
  }
}

type Header = z.infer<typeof headerSchema>;

const headerSchema = z.strictObject({
  formatVersion: z.union([z.literal(1), z.literal(2)]),
  recipe: z.string(),
  step: z.int().min(0),
  size: z.int().min(1),
  // Version 1 knew AdamW alone.
  slots: z.array(z.string()).default(['firstMoment', 'secondMoment']),
  best: z.strictObject({ step: z.int(), threshold: z.number() }).nullable(),
  digest: z.string(),
});

function parseHeader(path: string, line: string): Header {
  try {
    return headerSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new CorruptCheckpointError(path, error instanceof Error ? error.message : String(error));
  }
}

function checkpointPath(folder: string): string {
  return join(folder, 'checkpoint.bin');
}
