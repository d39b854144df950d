import { type GraphNode, integerAttribute } from './graph-nodes.ts';
import { type Constant, constantOfNode, type StoredConstant } from './stored-constants.ts';

/** A table of which a graph takes rows: `index` is the value that says which, undefined where all are taken. */
export interface TableLookup {
  readonly table: Constant;
  readonly index: string | undefined;
}

/** Computes what a graph makes of its constants: exporters store weights transposed, in half precision or in 8 bits. */
export class ConstantFolder {
  readonly #stored: ReadonlyMap<string, StoredConstant>;
  readonly #producers: ReadonlyMap<string, GraphNode>;

  constructor(
    stored: ReadonlyMap<string, StoredConstant>,
    producers: ReadonlyMap<string, GraphNode>,
  ) {
    this.#stored = stored;
    this.#producers = producers;
  }

  /** Whether a value depends on constants alone, by operators that are known here. */
  isConstant(name: string): boolean {
    if (this.#stored.has(name)) return true;
    const node = this.#producers.get(name);
    if (node?.operator === 'Constant') return true;
    return node !== undefined && FOLDS.has(node.operator) && this.#inputsOf(node);
  }

  /** The numbers of a constant value; undefined where it is none, or of a type that is none of ours. */
  valueOf(name: string): Constant | undefined {
    const found = this.lookupOf(name);
    return found?.index === undefined ? found?.table : undefined;
  }

  /**
   * The same for rows that are taken out of a table: what is done to the rows is done to the table. A
   * table in 8 bits is often restored row by row behind the Gather.
   */
  lookupOf(name: string): TableLookup | undefined {
    const stored = this.#stored.get(name);
    if (stored !== undefined) return wholeTable(stored.read());
    const node = this.#producers.get(name);
    if (node === undefined || node.domain !== '') return undefined;
    const [first = '', second = ''] = node.inputs;
    switch (node.operator) {
      case 'Constant':
        return wholeTable(constantOfNode(node.attributes));
      case 'Identity':
      case 'Cast':
      case 'Unsqueeze':
      case 'Squeeze':
      case 'Expand':
        return this.lookupOf(first);
      case 'Gather':
      case 'Slice': {
        const table = this.valueOf(first);
        return table && { table, index: second };
      }
      case 'Transpose':
        return mapTable(this.lookupOf(first), transposed);
      case 'Mul':
        return this.#combined(first, second, (a, b) => a * b);
      case 'Sub':
        return this.#combined(first, second, (a, b) => a - b);
      case 'DequantizeLinear':
        return this.#dequantized(node);
      default:
        return undefined;
    }
  }

  #inputsOf(node: GraphNode): boolean {
    return node.inputs.filter(Boolean).every((input) => this.isConstant(input));
  }

  #combined(
    first: string,
    second: string,
    combine: (a: number, b: number) => number,
  ): TableLookup | undefined {
    const [a, b] = [this.lookupOf(first), this.lookupOf(second)];
    if (a === undefined || b === undefined) return undefined;
    const table = elementwise(a.table, b.table, combine);
    return table && { table, index: a.index ?? b.index };
  }

  /** (x - zero point) * scale; scales stand for all numbers, or for each row or column along `axis`. */
  #dequantized(node: GraphNode): TableLookup | undefined {
    const [x, scale, zero] = node.inputs.map((input) => input && this.lookupOf(input));
    if (!x || !scale) return undefined;
    const axis = integerAttribute(node, 'axis', 1);
    const along = ({ table }: TableLookup): Constant =>
      table.values.length === 1 || axis !== 0
        ? table
        : { ...table, shape: [table.values.length, ...x.table.shape.slice(1).map(() => 1)] };
    const centred = zero ? elementwise(x.table, along(zero), (a, b) => a - b) : x.table;
    const table = centred && elementwise(centred, along(scale), (a, b) => a * b);
    return table && { table, index: x.index };
  }
}

/** A matrix with its axes exchanged. */
export function transposed({ shape, values }: Constant): Constant {
  const [rows = 1, columns = 1] = shape;
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column] ?? Number.NaN;
    }
  }
  return { shape: [columns, rows], values: turned };
}

/** Two matrices, or a matrix and a row, a column or a number, broadcast as ONNX does. */
function elementwise(
  a: Constant,
  b: Constant,
  combine: (a: number, b: number) => number,
): Constant | undefined {
  if (a.values.length < b.values.length) return elementwise(b, a, (x, y) => combine(y, x));
  const [own, other] = [a.shape.at(-1) ?? 1, b.shape.at(-1) ?? 1];
  const rows = a.values.length / own;
  const otherRows = b.values.length / other;
  if ((other !== own && other !== 1) || (otherRows !== rows && otherRows !== 1)) return undefined;
  const values = a.values.map((value, place) => {
    const [row, column] = [Math.floor(place / own), place % own];
    const at = (otherRows === 1 ? 0 : row) * other + (other === 1 ? 0 : column);
    return combine(value, b.values[at] ?? Number.NaN);
  });
  return { shape: a.shape, values };
}

function mapTable(
  lookup: TableLookup | undefined,
  change: (table: Constant) => Constant,
): TableLookup | undefined {
  return lookup && { ...lookup, table: change(lookup.table) };
}

function wholeTable(table: Constant | undefined): TableLookup | undefined {
  return table && { table, index: undefined };
}

const FOLDS: ReadonlySet<string> = new Set([
  'Cast',
  'DequantizeLinear',
  'Identity',
  'Mul',
  'Squeeze',
  'Sub',
  'Transpose',
  'Unsqueeze',
]);
