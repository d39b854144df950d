import { type StudentShape, StudentShapeError } from './student.ts';

/** A tensor as a cnn sees it: places in rows and columns, each with channels. A sequence is one column. */
export interface Grid {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
  readonly isImage: boolean;
  /** Filters of each block; the last ones are what the classifier reads. */
  readonly widths: readonly number[];
  /** Side of the filters. */
  readonly kernelSize: number;
  /** Over which parts of what the last block leaves the means are taken. */
  readonly means: { readonly rows: Parts; readonly columns: Parts };
}

/** An axis cut into equal parts, the outer ones of which may stick out on both sides. */
export interface Parts {
  readonly count: number;
  readonly size: number;
  /** Places without a number before the first and behind the last one. */
  readonly before: number;
  readonly after: number;
}

/** Means of all grids, side by side. */
export function meanCount(shape: StudentShape): number {
  return gridsOf(shape).reduce(
    (sum, { means, widths }) => sum + means.rows.count * means.columns.count * (widths.at(-1) ?? 0),
    0,
  );
}

/** Tensors that are convolved, in their order; those of one axis stand beside the result as they are. */
export function gridsOf(shape: StudentShape): readonly Grid[] {
  const grids = (shape.features ?? []).flatMap((tensor): Grid[] => {
    if (tensor.shape.length === 1) return [];
    const places = placesOf(tensor, shape);
    requireDepth(tensor, Math.max(places.rows, places.columns), shape.layers);
    return [
      {
        ...places,
        name: tensor.name,
        widths: widthsOf(shape),
        kernelSize: shape.kernelSize ?? DEFAULT_KERNEL,
        means: { rows: lastParts(places.rows, shape), columns: lastParts(places.columns, shape) },
      },
    ];
  });
  if (grids.length > 0) return grids;
  throw new StudentShapeError(
    'cnn',
    `${(shape.features ?? []).map(described).join(' and ')} has nothing to slide over`,
    'give the tensor its axes in corpus.columns.tensors: shape: [steps, values] of a sequence, [height, width, channels] of an image; or set student.architecture: mlp',
  );
}

/** Tensors of one axis, which stand beside the means of the grids. */
export function besideGrids({ features = [] }: StudentShape): NonNullable<typeof features> {
  return features.filter(({ shape }) => shape.length === 1);
}

/** Of `places` of the tensor, halved between the layers: as TensorFlow pools with padding `same`. */
function lastParts(places: number, { layers, poolGrid = DEFAULT_POOL_GRID }: StudentShape): Parts {
  let left = places;
  for (let layer = 1; layer < layers; layer++) left = halved(left);
  const size = Math.ceil(left / poolGrid);
  const count = Math.ceil(left / size);
  const before = Math.floor((count * size - left) / 2);
  return { count, size, before, after: count * size - left - before };
}

/** Places after pooling, which halves what can be halved. */
export function halved(size: number): number {
  return Math.ceil(size / 2);
}

type NamedShape = NonNullable<StudentShape['features']>[number];

function placesOf(
  tensor: NamedShape,
  { channels }: StudentShape,
): Pick<Grid, 'rows' | 'columns' | 'channels' | 'isImage'> {
  const [first = 0, second = 0, third = 0, ...more] = tensor.shape;
  if (more.length > 0) {
    throw new StudentShapeError(
      'cnn',
      `${described(tensor)} has ${tensor.shape.length} axes`,
      'a sequence has two (steps, values) and an image three; put further axes together in corpus.columns.tensors',
    );
  }
  if (tensor.shape.length === 2) {
    return { rows: first, columns: 1, channels: second, isImage: false };
  }
  // A grey image of a PyTorch teacher, read as one of 28 channels and one row, would train without a word.
  if (channels === undefined && first <= COLOURS && third > COLOURS) {
    throw new StudentShapeError(
      'cnn',
      `${described(tensor)} would be ${first} rows of ${second} places with ${third} channels`,
      'say which axis holds the channels: student.channels: first (or last)',
    );
  }
  return channels === 'first'
    ? { rows: second, columns: third, channels: first, isImage: true }
    : { rows: first, columns: second, channels: third, isImage: true };
}

function requireDepth(tensor: NamedShape, places: number, layers: number): void {
  const most = Math.max(1, Math.ceil(Math.log2(places)));
  if (layers <= most) return;
  throw new StudentShapeError(
    'cnn',
    `after ${layers - 1} halvings ${described(tensor)} is a single place, and ${layers} layers were asked for`,
    `set student.layers to ${most} or less`,
  );
}

/** Half as many filters a block earlier, where there are twice as many places in each direction. */
function widthsOf({ layers, hiddenSize }: StudentShape): number[] {
  return Array.from({ length: layers }, (_, layer) =>
    Math.max(1, Math.round(hiddenSize / 2 ** (layers - 1 - layer))),
  );
}

function described({ name, shape }: NamedShape): string {
  return `the tensor "${name}" [${shape.join(', ')}]`;
}

/** Side of filters that nobody has set. */
export const DEFAULT_KERNEL = 3;
/** Parts a side over which the last means are taken, where nobody has set them. */
export const DEFAULT_POOL_GRID = 4;
/** Grey, colour, and colour with transparency. */
const COLOURS = 4;
