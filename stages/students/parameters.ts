import { Failure } from '#cache/failure.ts';
import { normal, randomFor } from '#stages/numerics/random.ts';
import type { Tensor, Tensor1D, Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { Initialisation, ParameterSpec } from './student.ts';

/** Where a parameter lies in the flat vector. */
export interface ParameterPlace {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** All parameters of a student one after the other in ONE vector, in the order of the specs. */
export interface ParameterLayout {
  /** Number of weights. */
  readonly size: number;
  readonly places: readonly ParameterPlace[];
}

/** Weights of another source do not fit the student. */
export class WeightsMismatchError extends Failure {
  constructor(problem: string) {
    super(
      'model',
      'E_STUDENT_WEIGHTS',
      `the weights do not fit the student: ${problem}`,
      'load weights of the same architecture, layers, widths, vocabulary and classes',
    );
  }
}

export function layoutOf(specs: readonly ParameterSpec[]): ParameterLayout {
  let size = 0;
  const places = specs.map(({ name, shape }) => {
    const length = sizeOf(shape);
    const place = { name, shape, offset: size, length };
    size += length;
    return place;
  });
  return { size, places };
}

/**
 * Random start. Each parameter draws from a stream of its own name, so that it does not depend on
 * which others the student has.
 */
export function initialise(specs: readonly ParameterSpec[], seed: number): Float32Array {
  const { size, places } = layoutOf(specs);
  const flat = new Float32Array(size);
  for (const [index, spec] of specs.entries()) {
    const { offset, length } = places[index] as ParameterPlace;
    const random = randomFor(seed, `initialise ${spec.name}`);
    fill(flat.subarray(offset, offset + length), spec, random);
  }
  return flat;
}

/** The named tensors as parts of the flat vector; one split forward and one concat backward. */
export function unflatten(
  tf: Tensorflow,
  flat: Tensor1D,
  specs: readonly ParameterSpec[],
): Record<string, Tensor> {
  const parts = tf.split(
    flat,
    specs.map(({ shape }) => sizeOf(shape)),
    0,
  );
  return Object.fromEntries(
    specs.map(({ name, shape }, index) => [name, tf.reshape(parts[index] as Tensor, [...shape])]),
  );
}

/** Copies of the named parts of a flat vector. */
export function toNamed(
  flat: Float32Array,
  specs: readonly ParameterSpec[],
): Map<string, Float32Array> {
  return new Map(
    layoutOf(specs).places.map(({ name, offset, length }) => [
      name,
      flat.slice(offset, offset + length),
    ]),
  );
}

/** The flat vector of named weights; every parameter must be there with its size. */
export function fromNamed(
  weights: ReadonlyMap<string, Float32Array>,
  specs: readonly ParameterSpec[],
): Float32Array {
  const { size, places } = layoutOf(specs);
  const flat = new Float32Array(size);
  for (const { name, shape, offset, length } of places) {
    const values = weights.get(name);
    if (values === undefined) throw new WeightsMismatchError(`"${name}" is missing`);
    if (values.length !== length) {
      const wanted = `[${shape.join(', ')}] = ${length}`;
      throw new WeightsMismatchError(`"${name}" has ${values.length} values, not ${wanted}`);
    }
    flat.set(values, offset);
  }
  return flat;
}

/** 1 where weight decay pulls, else 0. */
export function decayMask(specs: readonly ParameterSpec[]): Float32Array {
  const { size, places } = layoutOf(specs);
  const mask = new Float32Array(size);
  for (const [index, { decay }] of specs.entries()) {
    const { offset, length } = places[index] as ParameterPlace;
    if (decay) mask.fill(1, offset, offset + length);
  }
  return mask;
}

function fill(values: Float32Array, spec: ParameterSpec, random: () => number): void {
  const { init } = spec;
  switch (init.kind) {
    case 'normal':
      for (let i = 0; i < values.length; i++) values[i] = init.std * draw(init, random);
      return;
    case 'zeros':
      return;
    case 'ones':
      values.fill(1);
      return;
    case 'identity': {
      const columns = spec.shape[1] ?? 1;
      for (let i = 0; i < values.length; i += columns + 1) values[i] = 1;
      return;
    }
    default:
      return init satisfies never;
  }
}

/** Truncation by drawing again, which is the distribution of torch.nn.init.trunc_normal_. */
function draw(init: Initialisation & { kind: 'normal' }, random: () => number): number {
  const cutoff = init.cutoff ?? Number.POSITIVE_INFINITY;
  let value = normal(random);
  while (Math.abs(value) > cutoff) value = normal(random);
  return value;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
