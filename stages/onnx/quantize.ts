import { type GraphNode, matrixAt, nodeAt, tensorName } from './graph-fields.ts';
import { int8Columns, int8Rows, type Matrix, transpose } from './int8-matrix.ts';
import { DATA_TYPES, node, ProtoMessage, tensor } from './wire.ts';
import { bytesAsSource, type Field, fieldsOf, nested } from './wire-reader.ts';

/**
 * A model with float32 weights as one with int8 weights (dynamic quantisation): matrices of Gemm and MatMul per
 * column, tables of Gather per row, activations per tensor when they are computed. Everything else stays as it
 * is, byte for byte. Opset 11 or later.
 */
export function quantized(model: Uint8Array): Uint8Array {
  const source = bytesAsSource(model);
  const result = new ProtoMessage();
  for (const field of fieldsOf(source, 0, source.size)) {
    if (field.number === GRAPH) result.message(GRAPH, quantizedGraph(model, field));
    else if (NUMBERS.has(field.number)) result.int(field.number, field.value);
    else copyBytes(result, model, field);
  }
  return result.finish();
}

function quantizedGraph(model: Uint8Array, graph: Field): ProtoMessage {
  const source = bytesAsSource(model);
  const fields = [...nested(source, graph)];
  const nodes = fields.filter(({ number }) => number === NODE).map((field) => nodeAt(model, field));
  const matrices = new Map(
    fields
      .filter(({ number }) => number === INITIALIZER)
      .map((field) => matrixAt(model, field))
      .filter((one) => one !== undefined),
  );
  const parts: Parts = { matrices, nodes: [], initializers: new Map(), inputs: new Map() };
  const replaced = new Set<Field>();
  for (const one of nodes) {
    if (replaceNode(one, parts)) replaced.add(one.field);
    else parts.nodes.push({ copy: one.field });
  }
  // A matrix that another node still reads stays beside its int8 form.
  const read = new Set(nodes.flatMap((one) => (replaced.has(one.field) ? [] : one.inputs)));
  const result = new ProtoMessage();
  for (const one of parts.nodes) {
    if ('made' in one) result.message(NODE, one.made);
    else copyBytes(result, model, one.copy);
  }
  for (const field of fields) {
    if (field.number === NODE) continue;
    const name = field.number === INITIALIZER ? tensorName(model, field) : '';
    const hasForm =
      parts.initializers.has(`${name}_int8`) || parts.initializers.has(`${name}_rows`);
    const isGone = matrices.has(name) && !read.has(name) && hasForm;
    if (!isGone) copyBytes(result, model, field);
  }
  for (const made of parts.initializers.values()) result.message(INITIALIZER, made);
  return result;
}

interface Parts {
  readonly matrices: ReadonlyMap<string, Matrix>;
  readonly nodes: ({ readonly copy: Field } | { readonly made: ProtoMessage })[];
  readonly initializers: Map<string, ProtoMessage>;
  /** The quantised form of an activation, which several matrices may read. */
  readonly inputs: Map<string, string>;
}

/** Adds what takes the place of a node; false where it has to stay. */
function replaceNode(one: GraphNode, parts: Parts): boolean {
  const { operator, inputs, outputs, attributes } = one;
  const [first = '', second = '', bias] = inputs;
  const [output = ''] = outputs;
  if (operator === 'Gather' && (attributes.get('axis') ?? 0) === 0) {
    const table = parts.matrices.get(first);
    if (table === undefined || table.values.length < LEAST_VALUES) return false;
    addGather(parts, { table, name: first, ids: second, output });
    return true;
  }
  const matrix = parts.matrices.get(second);
  if (matrix === undefined || matrix.values.length < LEAST_VALUES) return false;
  const isPlain = ['alpha', 'beta'].every((name) => (attributes.get(name) ?? 1) === 1);
  const transposed = attributes.get('transB') === 1;
  const isGemm = operator === 'Gemm' && isPlain && (attributes.get('transA') ?? 0) === 0;
  if (!isGemm && operator !== 'MatMul') return false;
  // [in, out], as MatMulInteger wants it.
  const weights = isGemm && transposed ? transpose(matrix) : matrix;
  addProduct(parts, { x: first, weights, name: second, bias: isGemm ? bias : undefined, output });
  return true;
}

/** x W = (x_q W_q) s_x s_w: the nodes that ONNX Runtime joins into one kernel. */
function addProduct(
  parts: Parts,
  product: {
    readonly x: string;
    readonly weights: Matrix;
    readonly name: string;
    readonly bias: string | undefined;
    readonly output: string;
  },
): void {
  const { x, weights, name, bias, output } = product;
  const { values, scales } = int8Columns(weights);
  const shape = [weights.rows, weights.columns];
  parts.initializers.set(`${name}_int8`, tensor(`${name}_int8`, 'int8', shape, values));
  parts.initializers.set(
    `${name}_scale`,
    tensor(`${name}_scale`, 'float32', [weights.columns], scales),
  );
  const input = quantizedInput(parts, x);
  const own = `${output}_int8`;
  const add = (operator: string, from: readonly string[], to: string, attributes = {}) =>
    parts.nodes.push({ made: node(operator, from, [to], attributes) });
  add('MatMulInteger', [input, `${name}_int8`, `${input}_zero`], `${own}_sum`);
  add('Cast', [`${own}_sum`], `${own}_float`, { to: { int: DATA_TYPES.float32 } });
  add('Mul', [`${input}_scale`, `${name}_scale`], `${own}_scale`);
  const scaled = bias === undefined || bias === '' ? output : `${own}_scaled`;
  add('Mul', [`${own}_float`, `${own}_scale`], scaled);
  if (scaled !== output) add('Add', [scaled, bias ?? ''], output);
}

function quantizedInput(parts: Parts, x: string): string {
  const known = parts.inputs.get(x);
  if (known !== undefined) return known;
  const name = `${x}_uint8`;
  const outputs = [name, `${name}_scale`, `${name}_zero`];
  parts.nodes.push({ made: node('DynamicQuantizeLinear', [x], outputs) });
  parts.inputs.set(x, name);
  return name;
}

function addGather(
  parts: Parts,
  gather: {
    readonly table: Matrix;
    readonly name: string;
    readonly ids: string;
    readonly output: string;
  },
): void {
  const { table, name, ids, output } = gather;
  const { values, scales } = int8Rows(table);
  // A table may be the matrix of a product too, which is quantised in another way (tied weights).
  const rows = `${name}_rows`;
  const shape = [table.rows, table.columns];
  parts.initializers.set(rows, tensor(rows, 'int8', shape, values));
  parts.initializers.set(
    `${rows}_scale`,
    tensor(`${rows}_scale`, 'float32', [table.rows, 1], scales),
  );
  const own = `${output}_int8`;
  const add = (operator: string, from: readonly string[], to: string, attributes = {}) =>
    parts.nodes.push({ made: node(operator, from, [to], attributes) });
  add('Gather', [rows, ids], own, { axis: { int: 0 } });
  add('Cast', [own], `${own}_float`, { to: { int: DATA_TYPES.float32 } });
  add('Gather', [`${rows}_scale`, ids], `${own}_scale`, { axis: { int: 0 } });
  add('Mul', [`${own}_float`, `${own}_scale`], output);
}

function copyBytes(to: ProtoMessage, model: Uint8Array, { number, offset, length }: Field): void {
  to.bytes(number, model.subarray(offset, offset + length));
}

/** Below this a matrix gains nothing. */
const LEAST_VALUES = 1024;

// Fields of ModelProto and GraphProto.
const GRAPH = 7;
const NODE = 1;
const INITIALIZER = 5;
/** ir_version and model_version; all other fields of both messages are made of bytes. */
const NUMBERS: ReadonlySet<number> = new Set([1, 5]);
