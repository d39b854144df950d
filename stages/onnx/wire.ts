/** ONNX's numbers for element types (TensorProto.DataType). */
export const DATA_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
} as const;

export type DataType = keyof typeof DATA_TYPES;

/** One attribute of a node. The kind is spelt out because protobuf cannot tell `1` from `1.0`. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string }
  | { readonly tensor: ProtoMessage };

/** A size, a symbolic name such as `batch`, or the empty string for an axis without a name. */
export type Dimension = number | string;

/** A protobuf message that is being written: fields are appended, `finish` gives the bytes. */
export class ProtoMessage {
  readonly #parts: Uint8Array[] = [];
  #byteLength = 0;

  /** A varint field; negative numbers take ten bytes, as protobuf's int64 does. */
  int(field: number, value: number | bigint): this {
    return this.#varint(tag(field, VARINT)).#varint(value);
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#varint(tag(field, FIXED32)).#append(bytes);
  }

  double(field: number, value: number): this {
    return this.#varint(tag(field, FIXED64)).#append(float64Bytes([value]));
  }

  /** A packed list. */
  doubles(field: number, values: readonly number[]): this {
    return this.bytes(field, float64Bytes(values));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#varint(tag(field, LENGTH_DELIMITED)).#varint(value.length).#append(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** A nested message. Its parts are shared and not copied: weights are copied once, by `finish`. */
  message(field: number, value: ProtoMessage): this {
    this.#varint(tag(field, LENGTH_DELIMITED)).#varint(value.#byteLength);
    for (const part of value.#parts) this.#append(part);
    return this;
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts, this.#byteLength);
  }

  #append(part: Uint8Array): this {
    this.#parts.push(part);
    this.#byteLength += part.length;
    return this;
  }

  #varint(value: number | bigint): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    return this.#append(Uint8Array.from(bytes));
  }
}

/** One operation of the graph. Without a name it is called after its first output. */
export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  name = `${operator}:${outputs[0] ?? ''}`,
): ProtoMessage {
  const message = new ProtoMessage();
  for (const input of inputs) message.text(1, input);
  for (const output of outputs) message.text(2, output);
  message.text(3, name).text(4, operator);
  for (const [key, value] of Object.entries(attributes)) message.message(5, attribute(key, value));
  return message;
}

/** A constant with its values, little-endian as they lie in memory. */
export function tensor(
  name: string,
  type: DataType,
  shape: readonly number[],
  values: ArrayBufferView,
): ProtoMessage {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return tensorHead(name, type, shape).bytes(9, bytes);
}

/** int64 constants (shapes, axes, k) from plain numbers. */
export function int64Tensor(
  name: string,
  values: readonly number[],
  shape: readonly number[] = [values.length],
): ProtoMessage {
  return tensor(name, 'int64', shape, BigInt64Array.from(values, BigInt));
}

/** A constant whose values stand in another file, as in models over 2 GiB. */
export function externalTensor(
  name: string,
  type: DataType,
  shape: readonly number[],
  place: { readonly location: string; readonly offset: number; readonly byteLength: number },
): ProtoMessage {
  const message = tensorHead(name, type, shape);
  const entries = { location: place.location, offset: place.offset, length: place.byteLength };
  for (const [key, value] of Object.entries(entries)) {
    message.message(13, new ProtoMessage().text(1, key).text(2, String(value)));
  }
  return message.int(14, EXTERNAL);
}

/** Name, type and shape (undefined: not known) of an input or output of the graph. */
export function valueInfo(
  name: string,
  type: DataType,
  shape: readonly Dimension[] | undefined,
): ProtoMessage {
  const tensorType = new ProtoMessage().int(1, DATA_TYPES[type]);
  if (shape !== undefined) {
    const dimensions = new ProtoMessage();
    for (const dimension of shape) dimensions.message(1, dimensionMessage(dimension));
    tensorType.message(2, dimensions);
  }
  return new ProtoMessage().text(1, name).message(2, new ProtoMessage().message(1, tensorType));
}

/** What a graph is made of; nodes stand in an order in which each finds its inputs computed. */
export interface GraphParts {
  readonly name?: string;
  readonly nodes?: readonly ProtoMessage[];
  readonly initializers?: readonly ProtoMessage[];
  readonly inputs?: readonly ProtoMessage[];
  readonly outputs?: readonly ProtoMessage[];
}

export function graph(parts: GraphParts): ProtoMessage {
  const message = new ProtoMessage();
  for (const item of parts.nodes ?? []) message.message(1, item);
  if (parts.name !== undefined) message.text(2, parts.name);
  for (const item of parts.initializers ?? []) message.message(5, item);
  for (const item of parts.inputs ?? []) message.message(11, item);
  for (const item of parts.outputs ?? []) message.message(12, item);
  return message;
}

/** The bytes of a whole ONNX file. */
export function model(
  content: ProtoMessage,
  options: { readonly opset?: number } = {},
): Uint8Array {
  const opset = options.opset ?? 17;
  const operatorSet = new ProtoMessage().text(1, '').int(2, opset);
  return new ProtoMessage()
    .int(1, irVersionOf(opset))
    .text(2, 'decant')
    .message(7, content)
    .message(8, operatorSet)
    .finish();
}

/** Bytes that add `content` to the graph of the serialized model before them: protobuf merges repeated fields. */
export function graphAppendix(content: ProtoMessage): Uint8Array {
  return new ProtoMessage().message(7, content).finish();
}

function attribute(name: string, value: Attribute): ProtoMessage {
  const message = new ProtoMessage().text(1, name);
  if ('int' in value) return message.int(3, value.int).int(20, 2);
  if ('float' in value) return message.float(2, value.float).int(20, 1);
  if ('text' in value) return message.text(4, value.text).int(20, 3);
  if ('tensor' in value) return message.message(5, value.tensor).int(20, 4);
  for (const item of value.ints) message.int(8, item);
  return message.int(20, 7);
}

function tensorHead(name: string, type: DataType, shape: readonly number[]): ProtoMessage {
  const message = new ProtoMessage();
  for (const size of shape) message.int(1, size);
  return message.int(2, DATA_TYPES[type]).text(8, name);
}

function dimensionMessage(dimension: Dimension): ProtoMessage {
  if (typeof dimension === 'number') return new ProtoMessage().int(1, dimension);
  return dimension === '' ? new ProtoMessage() : new ProtoMessage().text(2, dimension);
}

/** The oldest file format in which the operator set may appear. */
function irVersionOf(opset: number): number {
  if (opset >= 21) return 10;
  return opset >= 19 ? 9 : 8;
}

function float64Bytes(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setFloat64(8 * index, value, true);
  return bytes;
}

function tag(field: number, wireType: number): number {
  return field * 8 + wireType;
}

// Wire types of protobuf.
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** TensorProto.DataLocation.EXTERNAL */
const EXTERNAL = 1;
