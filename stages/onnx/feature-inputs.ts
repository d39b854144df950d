import { Failure } from '#cache/failure.ts';
import { shapeOfRow } from '#datasets/feature-rows.ts';
import type { FeatureRow, TensorShape } from '#datasets/features.ts';
import { halfOf, MOST_HALF } from './half-floats.ts';
import type { SessionTensor, SessionValue } from './session.ts';

/** Inputs of a model that take tensors of the corpus, by name. */
export interface FeatureInputs {
  readonly inputs: readonly FeatureInput[];
  /** Rows of every batch where the model has a fixed number. */
  readonly fixedRows: number | undefined;
}

interface FeatureInput {
  readonly name: string;
  readonly type: FeatureType;
  readonly shape: TensorShape;
  /** As the model declares them, without the batch. */
  readonly axes: readonly (number | string)[];
}

const FEATURE_TYPES = ['float32', 'float16', 'int32', 'int64'] as const;

type FeatureType = (typeof FEATURE_TYPES)[number];

/** A row cannot be what the model asks for. */
export class FeatureShapeError extends Failure {
  constructor(name: string, wanted: string, found: string, fix: string) {
    super(
      'model',
      'E_TEACHER_INPUTS',
      `the model's input "${name}" is ${wanted}, the corpus gives it ${found}`,
      fix,
    );
  }
}

/** Takes those inputs out of the model's that have the name of a tensor of the corpus. */
export function matchFeatureInputs(
  inputs: readonly SessionValue[],
  shapes: Readonly<Record<string, TensorShape>>,
): FeatureInputs {
  const matched = inputs.flatMap(({ name, type, shape: [, ...axes] }): FeatureInput[] => {
    const shape = shapes[name];
    if (shape === undefined) return [];
    requireFit(name, shape, axes);
    const known = FEATURE_TYPES.find((one) => one === type);
    if (known !== undefined) return [{ name, type: known, shape, axes }];
    const fix = 'export the model with float32, float16, int32 or int64 inputs';
    throw new FeatureShapeError(name, `of type ${type}`, FEATURE_TYPES.join(', '), fix);
  });
  const batches = inputs.map(({ shape }) => shape[0]).filter((size) => typeof size === 'number');
  const fixedRows = batches.find((size) => size > 0);
  return { inputs: matched, fixedRows };
}

/** The tensors of one batch. All rows have equal shapes: `planBatches` puts only such together. */
export function featureFeeds(
  { inputs }: FeatureInputs,
  rows: readonly FeatureRow[],
): Record<string, SessionTensor> {
  return Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input, rows)]));
}

function tensorOf(input: FeatureInput, rows: readonly FeatureRow[]): SessionTensor {
  const { name, type } = input;
  const width = rows[0]?.[name]?.length ?? 0;
  const values = new Float32Array(rows.length * width);
  for (const [row, features] of rows.entries()) {
    const own = features[name] ?? new Float32Array();
    if (own.length !== width) {
      const fix = 'give only one input a free axis, or rows of equal length in the corpus';
      throw new FeatureShapeError(name, `${width} numbers in a row`, String(own.length), fix);
    }
    values.set(own, row * width);
  }
  const dims = [rows.length, ...dimsOf(input, width)];
  if (type === 'float32') return { type, data: values, dims };
  if (type === 'float16') return { type, data: halvesOf(name, values), dims };
  const odd = values.find((value) => !Number.isInteger(value));
  if (odd !== undefined) {
    const fix = 'leave out the scale of this tensor, or export the model with float32 inputs';
    throw new FeatureShapeError(name, type, `the number ${odd}`, fix);
  }
  return type === 'int32'
    ? { type, data: Int32Array.from(values), dims }
    : { type, data: BigInt64Array.from(values, BigInt), dims };
}

function halvesOf(name: string, values: Float32Array): Uint16Array {
  const huge = values.find((value) => Math.abs(value) > MOST_HALF);
  if (huge === undefined) return Uint16Array.from(values, halfOf);
  const fix = `set corpus.columns.tensors.${name}.scale, or export the model with float32 inputs`;
  throw new FeatureShapeError(name, `float16, up to ${MOST_HALF}`, `the number ${huge}`, fix);
}

/** Axes of the model; where it leaves them open, those of the corpus. */
function dimsOf({ shape, axes }: FeatureInput, width: number): number[] {
  const own = shapeOfRow(shape, width);
  if (own.length === axes.length) return own;
  // The model's axes hold as many values (checked), only cut in another way.
  const open = axes.findIndex((axis) => typeof axis !== 'number' || axis <= 0);
  const fixed = axes.map((axis) => (typeof axis === 'number' && axis > 0 ? axis : 1));
  const rest = width / fixed.reduce((product, size) => product * size, 1);
  return fixed.map((size, axis) => (axis === open ? rest : size));
}

function requireFit(name: string, shape: TensorShape, axes: readonly (number | string)[]): void {
  const sizes = axes.map((axis) => (typeof axis === 'number' && axis > 0 ? axis : undefined));
  const shown = (parts: readonly (string | number | null | undefined)[]) =>
    `[${parts.map((part) => part ?? 'any').join(', ')}]`;
  const refuse = (): never => {
    const fix = `set corpus.columns.tensors.${name}.shape to the axes of the model, without the batch`;
    throw new FeatureShapeError(name, shown(axes), shown(shape), fix);
  };
  if (axes.length === shape.length) {
    const differs = sizes.some(
      (size, axis) => size !== undefined && shape[axis] !== null && shape[axis] !== size,
    );
    if (differs) refuse();
    return;
  }
  if (shape.includes(null) || sizes.filter((size) => size === undefined).length > 1) refuse();
  const product = (parts: readonly (number | null | undefined)[]) =>
    parts.reduce<number>((all, size) => all * (size ?? 1), 1);
  const [own, fixed] = [product(shape), product(sizes)];
  if (sizes.includes(undefined) ? own % fixed !== 0 : own !== fixed) refuse();
}
