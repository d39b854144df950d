import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { constantIn } from './graph-nodes.ts';
import { floatOfHalf } from './half-floats.ts';
import {
  type ByteSource,
  bytesAsSource,
  dimensionsOf,
  type Field,
  fieldsOf,
  nested,
  textOf,
  withFileSource,
} from './wire-reader.ts';

/** Numbers of a model as float32, row-major. */
export interface Constant {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** A constant of a model file that has not been read. */
export interface StoredConstant {
  readonly shape: readonly number[];
  /** Undefined for types that are no numbers of ours, such as strings or 4-bit integers. */
  read(): Constant | undefined;
}

/** The initialisers of a model file by name; their numbers are read when somebody asks. */
export function storedConstants(path: string): Map<string, StoredConstant> {
  const found = withFileSource(path, (source) =>
    [...fieldsOf(source, 0, source.size)]
      .filter(({ number }) => number === MODEL_GRAPH)
      .flatMap((graph) => [...nested(source, graph)])
      .filter(({ number }) => number === GRAPH_INITIALIZER)
      .map((field) => ({ ...constantIn(source, field), field })),
  );
  return new Map(
    found.map(({ name, shape, field }) => [
      name,
      {
        shape,
        read: () => withFileSource(path, (source) => valuesIn(source, field, dirname(path))),
      },
    ]),
  );
}

/** The tensor in a `value` attribute of a Constant node; undefined where it is written in another form. */
export function constantOfNode(attributes: readonly Uint8Array[]): Constant | undefined {
  for (const bytes of attributes) {
    const source = bytesAsSource(bytes);
    const value = [...fieldsOf(source, 0, source.size)].find(({ number }) => number === 5);
    if (value !== undefined) return valuesIn(source, value, undefined);
  }
  return undefined;
}

/** `folder` is where external data lie. */
function valuesIn(
  source: ByteSource,
  tensor: Field,
  folder: string | undefined,
): Constant | undefined {
  const shape: number[] = [];
  const place = new Map<string, string>();
  let type = 0;
  let raw: Uint8Array | undefined;
  const listed: number[] = [];
  for (const part of nested(source, tensor)) {
    if (part.number === 1) shape.push(...dimensionsOf(source, part));
    else if (part.number === 2) type = Number(part.value);
    else if (part.number === RAW_DATA) raw = source.read(part.offset, part.length).slice();
    else if (part.number === FLOAT_DATA) {
      for (const value of floatsIn(source.read(part.offset, part.length))) listed.push(value);
    } else if (part.number === INT32_DATA || part.number === INT64_DATA) {
      for (const value of integersIn(source, part)) listed.push(value);
    } else if (part.number === EXTERNAL_DATA) {
      const [key = '', value = ''] = [...nested(source, part)].map((one) => textOf(source, one));
      place.set(key, value);
    }
  }
  const size = shape.reduce((product, length) => product * length, 1);
  const bytes = raw ?? externalBytes(place, folder);
  if (bytes !== undefined) {
    const values = FROM_BYTES[type]?.(bytes);
    return values?.length === size ? { shape, values } : undefined;
  }
  const values = Float32Array.from(listed, FROM_LIST[type] ?? ((value) => value));
  return values.length === size ? { shape, values } : undefined;
}

/** The model's folder is checked to hold the file before any of this (`pipeline/teachers/teacher-files.ts`). */
function externalBytes(
  place: ReadonlyMap<string, string>,
  folder: string | undefined,
): Uint8Array | undefined {
  const location = place.get('location');
  if (location === undefined || folder === undefined) return undefined;
  const bytes = new Uint8Array(Number(place.get('length') ?? 0));
  const descriptor = openSync(join(folder, location), 'r');
  try {
    const read = readSync(descriptor, bytes, 0, bytes.length, Number(place.get('offset') ?? 0));
    return bytes.subarray(0, read);
  } finally {
    closeSync(descriptor);
  }
}

function floatsIn(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

/** int32_data and int64_data: packed numbers, negative ones as 64 bits. */
function integersIn(source: ByteSource, field: Field): number[] {
  if (field.value !== 0n || field.length === 0) return [Number(BigInt.asIntN(64, field.value))];
  const numbers: number[] = [];
  let [value, shift] = [0n, 0n];
  for (const byte of source.read(field.offset, field.length)) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte >= 0x80) continue;
    numbers.push(Number(BigInt.asIntN(64, value)));
    [value, shift] = [0n, 0n];
  }
  return numbers;
}

const floatOfBrain = (bits: number): number => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(2, bits, true);
  return view.getFloat32(0, true);
};

/** By TensorProto.DataType; bytes are little-endian. */
const FROM_BYTES: Readonly<Record<number, (bytes: Uint8Array) => Float32Array>> = {
  1: (bytes) => new Float32Array(bytes.slice().buffer),
  2: (bytes) => Float32Array.from(bytes),
  3: (bytes) => Float32Array.from(new Int8Array(bytes.slice().buffer)),
  6: (bytes) => Float32Array.from(new Int32Array(bytes.slice().buffer)),
  7: (bytes) => Float32Array.from(new BigInt64Array(bytes.slice().buffer), Number),
  10: (bytes) => Float32Array.from(new Uint16Array(bytes.slice().buffer), floatOfHalf),
  11: (bytes) => Float32Array.from(new Float64Array(bytes.slice().buffer)),
  16: (bytes) => Float32Array.from(new Uint16Array(bytes.slice().buffer), floatOfBrain),
};

/** Types whose numbers stand as bits in int32_data. */
const FROM_LIST: Readonly<Record<number, (value: number) => number>> = {
  10: floatOfHalf,
  16: floatOfBrain,
};

const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
// Fields of TensorProto.
const FLOAT_DATA = 4;
const INT32_DATA = 5;
const INT64_DATA = 7;
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
