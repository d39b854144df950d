import type { GraphNode } from './graph-nodes.ts';
import type { RankChange } from './logits-rank.ts';
import type { GraphValue, ModelSkim } from './model-skim.ts';
import {
  DATA_TYPES,
  type DataType,
  type Dimension,
  type GraphParts,
  int64Tensor,
  node,
  type ProtoMessage,
  tensor,
  valueInfo,
} from './wire.ts';

type Reduction = 'ReduceMax' | 'ReduceSum';
type FloatType = 'float32' | 'float64';

/**
 * Nodes along the last axis, for a graph that already exists: each method appends what it needs, in
 * the form that the model's opset knows, and returns the name of its result.
 */
export class GraphBuilder {
  readonly #opset: number;
  readonly #prefix: string;
  /** All axes of the logits but the last; undefined where the model does not say. */
  readonly #leading: readonly Dimension[] | undefined;
  readonly #nodes: ProtoMessage[] = [];
  readonly #initializers = new Map<string, ProtoMessage>();
  readonly #inputs: ProtoMessage[] = [];
  readonly #outputs: ProtoMessage[] = [];
  #count = 0;

  constructor(model: ModelSkim, leading: readonly Dimension[] | undefined) {
    this.#opset = model.opset;
    this.#prefix = freePrefix(model.names);
    this.#leading = leading;
  }

  parts(): GraphParts {
    return {
      nodes: this.#nodes,
      initializers: [...this.#initializers.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }

  /** A further input of the graph: int64 numbers of rows, [count]. */
  rowsInput(label: string): string {
    const name = `${this.#prefix}${label}`;
    this.#inputs.push(valueInfo(name, 'int64', [label]));
    return name;
  }

  /** A further input of the graph: float64, [rows, width]. */
  float64Input(label: string, width: number): string {
    const name = `${this.#prefix}${label}`;
    this.#inputs.push(valueInfo(name, 'float64', ['', width]));
    return name;
  }

  /** A single int64. */
  scalar(label: string, value: number): string {
    const name = `${this.#prefix}scalar_${label}`;
    this.#initializers.set(name, int64Tensor(name, [value], []));
    return name;
  }

  /** These rows of a value whose axes but the last are taken as one: [count, width]. */
  rows(value: string, rows: string): string {
    const flat = this.add('Flatten', [value], { axis: { int: -1 } });
    return this.add('Gather', [flat, rows], { axis: { int: 0 } });
  }

  /** The first vector of each row of the batch, whatever axes lie between: [batch, width]. */
  firstOf(value: string): string {
    const flat = this.add('Flatten', [value], { axis: { int: 1 } });
    const width = this.axes(value, -1, LAST);
    const [start, axis] = [this.integers('at_0', [0]), this.integers('axis_1', [1])];
    return this.add('Slice', [flat, start, width, axis]);
  }

  /** A node of the model once more, with another value in place of one that it reads. */
  again(original: GraphNode, reads: string, instead: string): string {
    const output = this.#name();
    const inputs = original.inputs.map((input) => (input === reads ? instead : input));
    const copy = node(original.operator, inputs, [output]);
    for (const attribute of original.attributes) copy.bytes(5, attribute);
    this.#nodes.push(copy);
    return output;
  }

  unary(operator: 'Exp' | 'Log', value: string): string {
    return this.add(operator, [value]);
  }

  binary(operator: 'Add' | 'Sub' | 'Mul' | 'Div' | 'Less', left: string, right: string): string {
    return this.add(operator, [left, right]);
  }

  where(condition: string, then: string, otherwise: string): string {
    return this.add('Where', [condition, then, otherwise]);
  }

  cast(value: string, type: DataType): string {
    return this.add('Cast', [value], { to: { int: DATA_TYPES[type] } });
  }

  /** The value itself where it is float32, else a cast of it that can be fetched. */
  float32Output(label: string, value: GraphValue): string {
    if (value.type === 'float32') return value.name;
    const name = `${this.#prefix}${label}`;
    this.#nodes.push(node('Cast', [value.name], [name], { to: { int: DATA_TYPES.float32 } }));
    return this.#declare(name, value.shape?.at(-1) ?? '', 'float32');
  }

  /** The value with axes of size 1 taken out or put in. */
  withRank(value: string, { operator, axes }: RankChange): string {
    if (this.#opset < SQUEEZE_AXES_ARE_AN_INPUT) {
      return this.add(operator, [value], { axes: { ints: axes } });
    }
    return this.add(operator, [value, this.integers('squeezed_axes', axes)]);
  }

  divide(value: string, divisor: number, type: FloatType = 'float32'): string {
    return divisor === 1 ? value : this.binary('Div', value, this.constant(divisor, type));
  }

  /** A scalar; equal ones are stored once. */
  constant(value: number, type: FloatType = 'float32'): string {
    const name = `${this.#prefix}${type}_${value}`;
    const data = type === 'float32' ? Float32Array.of(value) : Float64Array.of(value);
    this.#initializers.set(name, tensor(name, type, [], data));
    return name;
  }

  /** The k largest values, best first, and their positions as int64. */
  topK(value: string, k: number): readonly [values: string, ids: string] {
    const [values, ids] = [this.#name(), this.#name()];
    this.#nodes.push(
      node('TopK', [value, this.integers('k', [k])], [values, ids], {
        axis: { int: -1 },
        largest: { int: 1 },
        sorted: { int: 1 },
      }),
    );
    return [values, ids];
  }

  /** `value` with `replacement` at the positions `ids`. */
  scatter(value: string, ids: string, replacement: number): string {
    const shape = this.add('Shape', [ids]);
    const updates = this.add('Expand', [this.constant(replacement), shape]);
    return this.add('ScatterElements', [value, ids, updates], { axis: { int: -1 } });
  }

  highest(value: string): string {
    return this.#reduce('ReduceMax', value);
  }

  /**
   * The sum in float64. ONNX Runtime's float32 sum depends, in its last bits, on where a row happens to
   * lie in memory, and with it on the other rows of the batch; rounded from float64 it does not.
   */
  sum(value: string, type: FloatType = 'float32'): string {
    return this.#reduce('ReduceSum', type === 'float64' ? value : this.cast(value, 'float64'));
  }

  /** A value of the graph's own type as a float32 output: itself, or a cast of it. */
  rowsOutput(label: string, value: string, { type, shape }: GraphValue): string {
    const width = shape?.at(-1) ?? '';
    if (type !== 'float32') return this.output(label, value, width);
    return this.#declare(value, width, 'float32');
  }

  /** Declares a value as an output of the graph, cast to a type, under a name of its own. */
  output(label: string, value: string, width: Dimension, type: DataType = 'float32'): string {
    const name = `${this.#prefix}${label}`;
    this.#nodes.push(node('Cast', [value], [name], { to: { int: DATA_TYPES[type] } }));
    return this.#declare(name, width, type);
  }

  /** Declares the shape of a value as an output; the last axis may be that of another value. */
  shapeOutput(label: string, value: string, widthOf = value): string {
    const name = `${this.#prefix}${label}`;
    if (widthOf === value) this.#nodes.push(node('Shape', [value], [name]));
    else {
      const axes = [this.axes(value, 0, -1), this.axes(widthOf, -1, LAST)];
      this.#nodes.push(node('Concat', axes, [name], { axis: { int: 0 } }));
    }
    this.#outputs.push(valueInfo(name, 'int64', ['']));
    return name;
  }

  /** Sizes of the axes of a value, from one to before another. */
  axes(value: string, from: number, to: number): string {
    const bounds = [from, to].map((axis) => this.integers(`at_${axis}`, [axis]));
    return this.add('Slice', [this.add('Shape', [value]), ...bounds]);
  }

  #reduce(operator: Reduction, value: string): string {
    const keepdims = { int: 1 };
    if (this.#opset < AXES_ARE_AN_INPUT[operator]) {
      return this.add(operator, [value], { keepdims, axes: { ints: [-1] } });
    }
    return this.add(operator, [value, this.integers('last_axis', [-1])], { keepdims });
  }

  #declare(name: string, width: Dimension, type: DataType): string {
    const shape = this.#leading === undefined ? undefined : [...this.#leading, width];
    this.#outputs.push(valueInfo(name, type, shape));
    return name;
  }

  /** Constants of int64, [count]; equal labels are stored once. */
  integers(label: string, values: readonly number[]): string {
    const name = `${this.#prefix}${label}`;
    this.#initializers.set(name, int64Tensor(name, values));
    return name;
  }

  /** A node of one output; returns its name. */
  add(operator: string, inputs: readonly string[], attributes: Parameters<typeof node>[3] = {}) {
    const output = this.#name();
    this.#nodes.push(node(operator, inputs, [output], attributes));
    return output;
  }

  #name(): string {
    this.#count += 1;
    return `${this.#prefix}v${this.#count}`;
  }
}

/** A model that already carries a head of ours must not be given the same names again. */
function freePrefix(names: ReadonlySet<string>): string {
  for (let number = 0; ; number++) {
    const prefix = number === 0 ? 'decant/' : `decant${number}/`;
    if (![...names].some((name) => name.startsWith(prefix))) return prefix;
  }
}

/** The opset from which on the axes are an input instead of an attribute. */
const AXES_ARE_AN_INPUT: Readonly<Record<Reduction, number>> = { ReduceSum: 13, ReduceMax: 18 };

const SQUEEZE_AXES_ARE_AN_INPUT = 13;

/** ONNX cuts the end of a slice at the end of its axis. */
const LAST = 2 ** 31;
