import { type Attribute, type ConstantData, GraphDef } from './graph-def.ts';
import {
  type Binding,
  graphProtobuf,
  type NativeBackend,
  nativeBackend,
  type Tensor,
  type Tensorflow,
} from './runtime.ts';
import { isCutAt, type Part, type Source, vectorsOf } from './vector-parts.ts';
import { compiledAttributes } from './xla-attributes.ts';

type OperationAttribute = Parameters<Binding['executeOp']>[1][number];

/**
 * Writes down the native operations that tfjs functions issue while they run once, as the nodes of a
 * TensorFlow graph. Whatever a recording reads from JavaScript becomes a constant of the graph; so
 * reading back float values and unseeded JavaScript randomness are refused while recording.
 */
export class StepRecorder {
  readonly graph = new GraphDef(graphProtobuf());
  /** Where each native tensor came from. */
  readonly #sources = new Map<number, Source>();
  readonly #backend: NativeBackend;
  #how: RecordingOptions = {};

  constructor(tf: Tensorflow) {
    this.#backend = nativeBackend(tf);
  }

  /** The integer by which TensorFlow knows a data type. */
  type(dtype: 'float32' | 'int32'): number {
    return this.#backend.getDTypeInteger(dtype);
  }

  /**
   * From now on the tensor stands for that output of the graph. `parts` are outputs that a vector is made of, one after
   * the other: what splits it at their ends has these, without a copy.
   */
  declare(tensor: Tensor, output: string, parts?: readonly Part[]): void {
    const type = this.#backend.getDTypeInteger(tensor.dtype);
    const { shape } = tensor;
    this.#sources.set(this.#idOf(tensor), { output, type, shape, ...(parts && { parts }) });
  }

  /** The vectors that a recorded one was put together from; undefined where it was not. */
  partsOf(tensor: Tensor): readonly Part[] | undefined {
    return this.#sourceOf(this.#idOf(tensor), 'the result').parts;
  }

  /** The graph output that a recorded tensor came from. */
  outputOf(tensor: Tensor): string {
    return this.#sourceOf(this.#idOf(tensor), 'the result').output;
  }

  /** Runs the function once and adds the operations it issues to the graph. */
  record<T>(compute: () => T, how: RecordingOptions = {}): T {
    const { binding } = this.#backend;
    const { random } = Math;
    this.#how = how;
    this.#backend.binding = this.#recording(binding);
    Math.random = refuseRandom;
    try {
      return compute();
    } finally {
      this.#backend.binding = binding;
      Math.random = random;
    }
  }

  #recording(binding: Binding): Binding {
    const createTensor: Binding['createTensor'] = (shape, dtype, data) => {
      const id = binding.createTensor(shape, dtype, data);
      const node = this.#constant(dtype, shape, data as ConstantData);
      this.#sources.set(id, { output: `${node}:0`, type: dtype, shape });
      return id;
    };
    const executeOp: Binding['executeOp'] = (operation, attributes, inputs, outputCount) => {
      const sources = inputs.map((id) => this.#sourceOf(id, `an input of ${operation}`));
      const outputs = binding.executeOp(operation, attributes, inputs, outputCount);
      const known = operation === 'SplitV' ? sources[0]?.parts : undefined;
      if (known !== undefined && isCutAt(known, outputs)) {
        for (const [index, { id, dtype, shape }] of outputs.entries()) {
          this.#sources.set(id, { output: known[index]?.output ?? '', type: dtype, shape });
        }
        return outputs;
      }
      const node = this.#operation(operation, sources, attributesOf(binding, attributes));
      const parts = operation === 'ConcatV2' ? vectorsOf(sources) : undefined;
      for (const [index, { id, dtype, shape }] of outputs.entries()) {
        const source = { output: `${node}:${index}`, type: dtype, shape };
        this.#sources.set(id, { ...source, ...(parts && { parts }) });
      }
      return outputs;
    };
    const tensorDataSync: Binding['tensorDataSync'] = (id) => {
      const values = binding.tensorDataSync(id);
      // Integers are let through: the kernel of tf.gather looks at its indices to check their bounds.
      if (values instanceof Int32Array) return values;
      throw new Error(
        'a step program must not read values back: a recording would keep them for ever',
      );
    };
    // Properties of a native module are read-only, so that plain assignment would throw.
    const replaced = Object.entries({ createTensor, executeOp, tensorDataSync });
    const descriptors = Object.fromEntries(replaced.map(([name, value]) => [name, { value }]));
    return Object.create(binding, descriptors) as Binding;
  }

  #constant(type: number, shape: readonly number[], data: ConstantData): string {
    return this.#add('Const', [], {
      dtype: { type },
      value: { constant: { type, shape, data } },
    });
  }

  #operation(
    issued: string,
    sources: readonly Source[],
    issuedWith: Record<string, Attribute>,
  ): string {
    const [name, given] = ofTwoMatrices(issued, sources, issuedWith);
    const implied = Object.entries(IMPLIED_TYPES[name] ?? {}).map(([attribute, input]) => {
      return [attribute, { type: sources[input]?.type ?? 0 }];
    });
    const inputs = sources.map(({ output }) => output);
    const attributes = { ...Object.fromEntries(implied), ...given };
    if (this.#how.precision === 'bf16' && PRODUCTS.has(name)) {
      // Beside what is multiplied, derivatives of a convolution take a shape, in whole numbers.
      const float32 = this.type('float32');
      const rounded = sources.map(({ output, type }) =>
        type === float32 ? this.#cast(output, 'float32', 'bf16') : output,
      );
      const product = this.#add(name, rounded, { ...attributes, T: { type: BFLOAT16 } });
      return this.#cast(`${product}:0`, 'bf16', 'float32');
    }
    return this.#add(name, inputs, attributes);
  }

  #cast(input: string, from: Precision, to: Precision): string {
    const typeOf = (precision: Precision) => ({
      type: precision === 'bf16' ? BFLOAT16 : this.type('float32'),
    });
    return this.#add('Cast', [input], {
      SrcT: typeOf(from),
      DstT: typeOf(to),
      Truncate: { bool: false },
    });
  }

  #add(
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): string {
    const marks = this.#how.xla === true ? compiledAttributes(name) : {};
    return this.graph.add(name, inputs, { ...attributes, ...marks });
  }

  #sourceOf(id: number, role: string): Source {
    const source = this.#sources.get(id);
    if (source !== undefined) return source;
    throw new Error(
      `${role} was made outside the step program: it may use its feeds, its weights and constants`,
    );
  }

  #idOf(tensor: Tensor): number {
    // The method is private in the package's types only; it also uploads a tensor that is still in JavaScript.
    const backend = this.#backend as unknown as { getInputTensorIds(tensors: Tensor[]): [number] };
    return backend.getInputTensorIds([tensor])[0];
  }
}

/** Of matrix products and convolutions; everything else is computed in float32. */
export type Precision = 'float32' | 'bf16';

/** How what is recorded will be computed. */
export interface RecordingOptions {
  /** Operations are marked for XLA. */
  readonly xla?: boolean;
  readonly precision?: Precision;
}

/**
 * tfjs has one operation for all products. Where both are matrices, TensorFlow's own for these takes up to 4 % off a
 * whole step.
 */
function ofTwoMatrices(
  name: string,
  sources: readonly Source[],
  attributes: Record<string, Attribute>,
): readonly [string, Record<string, Attribute>] {
  const { adj_x, adj_y, ...others } = attributes;
  if (name !== 'BatchMatMulV2' || adj_x === undefined || adj_y === undefined) {
    return [name, attributes];
  }
  if (sources.some(({ shape }) => shape.length !== 2)) return [name, attributes];
  return ['MatMul', { ...others, transpose_a: adj_x, transpose_b: adj_y }];
}

function refuseRandom(): never {
  throw new Error('a step program must not use JavaScript randomness: feed a seed instead');
}

function attributesOf(
  binding: Binding,
  attributes: readonly OperationAttribute[],
): Record<string, Attribute> {
  return Object.fromEntries(
    attributes.map((attribute) => [attribute.name, attributeOf(binding, attribute)]),
  );
}

function attributeOf(binding: Binding, { name, type, value }: OperationAttribute): Attribute {
  if (type === binding.TF_ATTR_TYPE) return { type: Number(value) };
  if (type === binding.TF_ATTR_INT)
    return Array.isArray(value) ? { ints: value } : { int: Number(value) };
  if (type === binding.TF_ATTR_FLOAT) return { float: Number(value) };
  if (type === binding.TF_ATTR_BOOL) return { bool: Boolean(value) };
  if (type === binding.TF_ATTR_STRING && typeof value === 'string') return { text: value };
  if (type === binding.TF_ATTR_SHAPE && Array.isArray(value)) return { shape: value };
  throw new Error(`attribute ${name} has a kind that a graph cannot record (${type})`);
}

/** Operations that bf16 is for: their inputs are rounded to it, sums stay float32 inside the kernels. */
const PRODUCTS = new Set([
  'BatchMatMul',
  'BatchMatMulV2',
  'MatMul',
  'Conv2D',
  'Conv2DBackpropInput',
  'Conv2DBackpropFilter',
]);

/** TensorFlow's number of the type, for which tfjs has no name. */
const BFLOAT16 = 14;

/**
 * Type attributes that a kernel of tfjs leaves to eager execution to find out, and the input that has
 * the type. A graph wants them written down.
 */
const IMPLIED_TYPES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExpandDims: { T: 0, Tdim: 1 },
};
