import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { atomicFile } from '#cache/atomic-file.ts';
import { digestOfParts } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';
import type { OptimizerState } from '#stages/tensorflow/step-program.ts';

/** The weights to keep so far. */
export interface Best {
  readonly weights: Float32Array;
  readonly step: number;
  /** What a later step has to reach to replace them. */
  readonly threshold: number;
}

/**
 * All that a killed training needs to go on. The loader's place, the schedules and every random number
 * follow from the step and from settings, which are part of the recipe.
 */
export interface Checkpoint {
  readonly state: OptimizerState;
  readonly best: Best | null;
  readonly progress: Progress;
}

/** What a training has seen of itself so far. */
export interface Progress {
  /** Mean loss of its first steps, terms unweighted; null before these are taken. */
  readonly firstLoss: number | null;
  /** The first best measurement on validation. */
  readonly highest: { readonly share: number; readonly step: number } | null;
}

/** That of a training before its first step. */
export const NO_PROGRESS: Progress = { firstLoss: null, highest: null };

/** A checkpoint, and the digest of all that decides the weights of its training. */
export interface MarkedCheckpoint extends Checkpoint {
  readonly recipe: string;
}

/** Writes a checkpoint so that a kill leaves the whole file or none. */
export async function writeCheckpoint(
  path: string,
  { recipe, state, best, progress }: MarkedCheckpoint,
): Promise<void> {
  const vectors = vectorsOf({ state, best, progress });
  const parts = Object.values(vectors).map(bytesOf);
  const header: Header = {
    formatVersion: FORMAT_VERSION,
    recipe,
    step: state.step,
    vectors: Object.entries(vectors).map(([name, { length }]) => ({ name, length })),
    best: best === null ? null : { step: best.step, threshold: best.threshold },
    progress,
    digest: digestOfParts(parts),
  };
  const line = Buffer.from(`${JSON.stringify(header)}\n`);
  await atomicFile(path, (temporary) => writeFile(temporary, [line, ...parts]));
}

/** Reads what `writeCheckpoint` wrote; a file that is not as it was written is refused. */
export async function readCheckpoint(path: string): Promise<MarkedCheckpoint> {
  const bytes = await readFile(path);
  const end = bytes.indexOf('\n');
  const header = parseHeader(path, bytes.toString('utf8', 0, Math.max(0, end)));
  const body = bytes.subarray(end + 1);
  if (digestOfParts([body]) !== header.digest) {
    throw new CorruptCheckpointError(path, 'its digest differs');
  }
  let start = 0;
  const read = new Map(
    header.vectors.map(({ name, length }) => {
      const from = start;
      start += length * Float32Array.BYTES_PER_ELEMENT;
      // A copy, since a view on the file would need a start that is a multiple of 4.
      return [name, new Float32Array(new Uint8Array(body.subarray(from, start)).buffer)];
    }),
  );
  const vector = (name: string): Float32Array => {
    const values = read.get(name);
    if (values === undefined) throw new CorruptCheckpointError(path, `it has no ${name}`);
    return values;
  };
  const slots = [...read].flatMap(([name, values]) =>
    name.startsWith(SLOT) ? [[name.slice(SLOT.length), values]] : [],
  );
  return {
    recipe: header.recipe,
    state: { weights: vector(WEIGHTS), slots: Object.fromEntries(slots), step: header.step },
    best: header.best === null ? null : { ...header.best, weights: vector(BEST) },
    progress: header.progress,
  };
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

function vectorsOf({ state, best }: Checkpoint): Record<string, Float32Array> {
  const slots = Object.entries(state.slots).map(([name, values]) => [`${SLOT}${name}`, values]);
  return {
    [WEIGHTS]: state.weights,
    ...Object.fromEntries(slots),
    ...(best && { [BEST]: best.weights }),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

type Header = z.infer<typeof headerSchema>;

const FORMAT_VERSION = 3;
// Names of the vectors: the weights, what the optimiser keeps, the weights to keep.
const WEIGHTS = 'weights';
const SLOT = 'slots.';
const BEST = 'best';

const headerSchema = z.strictObject({
  formatVersion: z.literal(FORMAT_VERSION),
  recipe: z.string(),
  step: z.int().min(0),
  /** In the order in which they lie in the file. */
  vectors: z.array(z.strictObject({ name: z.string(), length: z.int().min(0) })),
  best: z.strictObject({ step: z.int(), threshold: z.number() }).nullable(),
  progress: z
    .strictObject({
      firstLoss: z.number().nullable(),
      highest: z.strictObject({ share: z.number(), step: z.int() }).nullable(),
    })
    .default(NO_PROGRESS),
  digest: z.string(),
});

function parseHeader(path: string, line: string): Header {
  try {
    return headerSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new CorruptCheckpointError(path, error instanceof Error ? error.message : String(error));
  }
}
