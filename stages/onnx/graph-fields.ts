import type { Matrix } from './int8-matrix.ts';
import { DATA_TYPES } from './wire.ts';
import { bytesAsSource, dimensionsOf, type Field, nested, textOf } from './wire-reader.ts';

/** A node of a graph as it lies in the file. */
export interface GraphNode {
  readonly field: Field;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Integer and float attributes by name. */
  readonly attributes: ReadonlyMap<string, number>;
}

/** The node in this field of a graph. */
export function nodeAt(model: Uint8Array, field: Field): GraphNode {
  const source = bytesAsSource(model);
  const fields = [...nested(source, field)];
  const texts = (number: number) =>
    fields.filter((one) => one.number === number).map((one) => textOf(source, one));
  const attributes = fields
    .filter(({ number }) => number === 5)
    .map((one) => attributeAt(model, one))
    .filter((one) => one !== undefined);
  return {
    field,
    operator: texts(4)[0] ?? '',
    inputs: texts(1),
    outputs: texts(2),
    attributes: new Map(attributes),
  };
}

function attributeAt(model: Uint8Array, field: Field): [string, number] | undefined {
  const source = bytesAsSource(model);
  const fields = [...nested(source, field)];
  const name = fields.find(({ number }) => number === 1);
  const int = fields.find(({ number }) => number === 3);
  const float = fields.find(({ number }) => number === 2);
  if (name === undefined) return undefined;
  if (int !== undefined) return [textOf(source, name), Number(int.value)];
  if (float === undefined) return undefined;
  const view = new DataView(model.buffer, model.byteOffset + float.offset, 4);
  return [textOf(source, name), view.getFloat32(0, true)];
}

/** Name of the tensor in this field. */
export function tensorName(model: Uint8Array, field: Field): string {
  const source = bytesAsSource(model);
  const name = [...nested(source, field)].find(({ number }) => number === 8);
  return name === undefined ? '' : textOf(source, name);
}

/** A float32 initializer of two axes with its values in the file. */
export function matrixAt(model: Uint8Array, field: Field): [string, Matrix] | undefined {
  const source = bytesAsSource(model);
  const fields = [...nested(source, field)];
  const dims = fields
    .filter(({ number }) => number === 1)
    .flatMap((one) => dimensionsOf(source, one));
  const type = fields.find(({ number }) => number === 2);
  const raw = fields.find(({ number }) => number === 9);
  const [rows, columns] = dims;
  if (dims.length !== 2 || rows === undefined || columns === undefined) return undefined;
  if (Number(type?.value) !== DATA_TYPES.float32 || raw?.length !== rows * columns * 4)
    return undefined;
  // A copy: the bytes of a file need not lie at a multiple of four.
  const values = new Float32Array(
    Uint8Array.from(model.subarray(raw.offset, raw.offset + raw.length)).buffer,
  );
  return [tensorName(model, field), { rows, columns, values }];
}
