import type { FeatureRow, TensorShape } from '#datasets/features.ts';
import { finiteNumber, isBlank, RejectedValue, typeOf, valueOf } from './rejected-value.ts';

/** Where the numbers of one model input stand in a row. */
export interface TensorColumns {
  /** One column with a number or a list, or one column a number; `p*` names all that begin with p. */
  readonly columns: string | readonly string[];
  /** Axes of one row; null: as long as the row needs it. Left out: as many values as there are. */
  readonly shape?: TensorShape | undefined;
  /** What each number is multiplied with. */
  readonly scale: number;
}

/** The tensors of a row, by model input. */
export function tensorsIn(
  values: Readonly<Record<string, unknown>>,
  tensors: Readonly<Record<string, TensorColumns>>,
): FeatureRow {
  const entries = Object.entries(tensors).map(([input, tensor]): [string, Float32Array] => {
    const numbers = numbersIn(values, input, tensor);
    requireShape(input, numbers.length, tensor.shape);
    return [input, numbers];
  });
  return Object.fromEntries(entries);
}

/** The columns of a tensor among these, in the order in which they are written. */
export function columnsOfTensor(
  { columns }: TensorColumns,
  names: readonly string[],
): readonly string[] {
  return [columns].flat().flatMap((column) => {
    if (!column.endsWith('*')) return [column];
    return names.filter((name) => name.startsWith(column.slice(0, -1)));
  });
}

function numbersIn(
  values: Readonly<Record<string, unknown>>,
  input: string,
  tensor: TensorColumns,
): Float32Array {
  const columns = columnsOfTensor(tensor, Object.keys(values));
  const found = columns.flatMap((column) => cellNumbers(column, valueOf(values, column)));
  if (found.length === 0) {
    const reason = `no number for the input "${input}"`;
    throw new RejectedValue([tensor.columns].flat().join(', '), 'missing-value', reason, undefined);
  }
  return Float32Array.from(found, (number) => number * tensor.scale);
}

/** A number, a list of them, nested or not, or the text of either. */
function cellNumbers(column: string, value: unknown): number[] {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.flatMap((part) => cellNumbers(column, part));
  if (typeof value === 'string' && value.trim().startsWith('[')) {
    return cellNumbers(column, listIn(column, value));
  }
  const number = finiteNumber(value);
  if (number !== undefined) return [number];
  if (isBlank(value)) {
    throw new RejectedValue(column, 'missing-value', `no number in "${column}"`, undefined);
  }
  const kind = typeof value === 'string' ? 'text' : typeOf(value);
  throw new RejectedValue(column, 'wrong-type', `${kind} instead of numbers`, value);
}

function listIn(column: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RejectedValue(column, 'wrong-type', 'a list that is no JSON', text);
  }
}

function requireShape(input: string, count: number, shape: TensorShape | undefined): void {
  if (shape === undefined) return;
  const fixed = shape.reduce<number>((product, size) => product * (size ?? 1), 1);
  if (shape.includes(null) ? count % fixed === 0 : count === fixed) return;
  const wanted = `[${shape.map((size) => size ?? 'any').join(', ')}]`;
  throw new RejectedValue(
    input,
    'wrong-shape',
    `${count} numbers do not fill ${wanted}`,
    undefined,
  );
}
