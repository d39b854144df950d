import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import type { InitialisationRecord } from '#datasets/initialisation.ts';
import { initialise, layoutOf } from '#stages/students/parameters.ts';
import { readSafetensors, type StoredTensor } from '#stages/students/safetensors.ts';
import type { ParameterSpec } from '#stages/students/student.ts';
import { HEADS_FILE, headParameters } from '#stages/students/task-heads.ts';
import type { InitialiseSource } from '#stages/train-student/settings/initialisation.ts';
import { type Beginner, type InitialiseFiles, startFromModel } from './initialisation.ts';

/** Where a student's weights start. */
export interface Start {
  readonly seed: number;
  /** Folder of another student whose weights are taken over; undefined: random. */
  readonly initFrom: string | undefined;
  /** Another model that weights are taken from. */
  readonly initialise:
    | { readonly settings: InitialiseSource; readonly files: InitialiseFiles }
    | undefined;
  /** Folder of the tokenizer that this student reads with; undefined where it reads no text. */
  readonly tokenizer: string | undefined;
}

/** The weights before the first step, and where they are from if not from chance. */
export interface StartWeights {
  /** The flat vector. */
  readonly weights: Float32Array;
  readonly initialisation: InitialisationRecord | undefined;
}

/** What a student is before its first step, with the classifiers of its further heads behind its own parameters. */
export async function startWeights(
  student: Omit<Beginner, 'tokenizer'>,
  start: Start,
): Promise<StartWeights> {
  const { specs, shape } = student;
  const { initialise: asked, seed, tokenizer } = start;
  const ofHeads = headParameters(specs, shape.taskHeads);
  if (asked === undefined) {
    const weights = await initialWeights({ own: specs, ofHeads }, start);
    return { weights, initialisation: undefined };
  }
  const weights = initialise([...specs, ...ofHeads], seed);
  const beginner = {
    ...student,
    tokenizer: tokenizer === undefined ? undefined : join(tokenizer, 'tokenizer.json'),
  };
  return {
    weights,
    initialisation: await startFromModel(weights, beginner, asked.settings, asked.files),
  };
}

async function initialWeights(
  { own, ofHeads }: Record<'own' | 'ofHeads', readonly ParameterSpec[]>,
  { seed, initFrom, tokenizer }: Pick<Start, 'seed' | 'initFrom' | 'tokenizer'>,
): Promise<Float32Array> {
  if (initFrom === undefined) return initialise([...own, ...ofHeads], seed);
  if (tokenizer !== undefined) await requireSameTokenizer(initFrom, tokenizer);
  const weights = await storedWeights(join(initFrom, 'model.safetensors'), own);
  if (ofHeads.length === 0) return weights;
  const further = await storedWeights(join(initFrom, HEADS_FILE), ofHeads);
  const all = new Float32Array(weights.length + further.length);
  all.set(weights);
  all.set(further, weights.length);
  return all;
}

async function storedWeights(path: string, specs: readonly ParameterSpec[]): Promise<Float32Array> {
  const tensors: ReadonlyMap<string, StoredTensor> = existsSync(path)
    ? await readSafetensors(path)
    : new Map();
  const { size, places } = layoutOf(specs);
  const weights = new Float32Array(size);
  for (const { name, shape, offset } of places) {
    const found = tensors.get(name);
    if (found === undefined || found.shape.join() !== shape.join()) {
      throw new InitFromShapeError(path, name, shape, found?.shape);
    }
    weights.set(found.values, offset);
  }
  return weights;
}

/** The student named by `initFrom` is built differently. */
export class InitFromShapeError extends Failure {
  constructor(
    path: string,
    name: string,
    wanted: readonly number[],
    found: readonly number[] | undefined,
  ) {
    const there = found === undefined ? 'is missing' : `is [${found.join(', ')}]`;
    super(
      'model',
      'E_INIT_FROM_SHAPE',
      `${path}: ${name} ${there}, this student needs [${wanted.join(', ')}]`,
      'give both variants the same architecture, layers, hiddenSize, heads and intermediateSize',
    );
  }
}

/** The student named by `initFrom` numbers word pieces differently, so its embeddings mean other words. */
export class InitFromTokenizerError extends Failure {
  constructor(initFrom: string) {
    super(
      'model',
      'E_INIT_FROM_TOKENIZER',
      `${initFrom}: tokenizer.json differs from the tokenizer of this student`,
      'train both variants from the same prepare run: decant run train-student',
    );
  }
}

async function requireSameTokenizer(initFrom: string, tokenizer: string): Promise<void> {
  const [theirs, ours] = await Promise.all(
    [initFrom, tokenizer].map((folder) => readFile(join(folder, 'tokenizer.json'))),
  );
  if (theirs === undefined || ours === undefined || !theirs.equals(ours)) {
    throw new InitFromTokenizerError(initFrom);
  }
}
