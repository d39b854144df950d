import { DATA_TYPES, ProtoMessage } from '#stages/onnx/wire.ts';
import { bytesAsSource, type Field, fieldsOf, textOf } from '#stages/onnx/wire-reader.ts';

/** The same model in float16: weights, constants, casts to float32 and declared values. */
export function halfModel(model: Uint8Array): Uint8Array {
  return rewritten(model, { 7: (graph) => rewritten(graph, GRAPH) });
}

type Rewrite = (body: Uint8Array) => Uint8Array;

/** A message with some of its fields rewritten; every other byte stays. */
function rewritten(message: Uint8Array, rewrites: Readonly<Record<number, Rewrite>>): Uint8Array {
  const source = bytesAsSource(message);
  const parts: Uint8Array[] = [];
  let start = 0;
  for (const field of fieldsOf(source, 0, message.length)) {
    const end = field.offset + field.length;
    const rewrite = rewrites[field.number];
    const body = message.subarray(field.offset, end);
    parts.push(
      rewrite === undefined
        ? message.subarray(start, end)
        : new ProtoMessage().bytes(field.number, rewrite(body)).finish(),
    );
    start = end;
  }
  return Buffer.concat(parts);
}

const valueInfo: Rewrite = (info) =>
  rewritten(info, { 2: (type) => rewritten(type, { 1: (tensor) => retyped(tensor, 1) }) });

const tensor: Rewrite = (message) => {
  if (numberIn(message, 2) !== DATA_TYPES.float32) return message;
  return rewritten(retyped(message, 2), { 9: halves });
};

const attribute: Rewrite = (message) => {
  const source = bytesAsSource(message);
  const name = [...fieldsOf(source, 0, message.length)].find(({ number }) => number === 1);
  const isCast = name !== undefined && textOf(source, name) === 'to';
  return rewritten(isCast ? retyped(message, 3) : message, { 5: tensor });
};

const GRAPH: Readonly<Record<number, Rewrite>> = {
  1: (node) => rewritten(node, { 5: attribute }),
  5: tensor,
  11: valueInfo,
  12: valueInfo,
  13: valueInfo,
};

/** The message with float16 instead of float32 in the field of its type. */
function retyped(message: Uint8Array, field: number): Uint8Array {
  const found = [...fieldsOf(bytesAsSource(message), 0, message.length)].find(
    ({ number }) => number === field,
  );
  if (found === undefined || Number(found.value) !== DATA_TYPES.float32) return message;
  const copy = Uint8Array.from(message);
  copy[found.offset] = DATA_TYPES.float16;
  return copy;
}

function numberIn(message: Uint8Array, field: number): number | undefined {
  const isIt = ({ number }: Field) => number === field;
  const found = [...fieldsOf(bytesAsSource(message), 0, message.length)].find(isIt);
  return found && Number(found.value);
}

function halves(raw: Uint8Array): Uint8Array {
  const floats = new Float32Array(Uint8Array.from(raw).buffer);
  return new Uint8Array(Uint16Array.from(floats, halfOf).buffer);
}

/** Bits of the nearest half float; what is too large becomes the largest. */
function halfOf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  const fraction = Math.round((size / 2 ** exponent - 1) * 1024);
  const bits = ((exponent + 15) << 10) + fraction;
  // Converters keep the mask of attention, -3.4e38, finite: 0 times infinity would be no number.
  return sign | Math.min(bits, 0x7bff);
}
