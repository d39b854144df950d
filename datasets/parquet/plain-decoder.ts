import { joinNumbers } from './columns.ts';
import type { PhysicalType } from './leaf-column.ts';
import { decodeTexts, joinTexts, pickTexts, type Texts } from './texts.ts';

/** Values of a column without nulls. */
export type Values =
  | { readonly type: 'INT32'; readonly items: Int32Array }
  | { readonly type: 'FLOAT'; readonly items: Float32Array }
  | { readonly type: 'BYTE_ARRAY'; readonly items: Texts };

/** Decodes exactly `count` PLAIN values in place; throws where the bytes hold more or fewer. */
export function decodePlain(bytes: Buffer, type: PhysicalType, count: number): Values {
  if (type === 'BYTE_ARRAY') return { type, items: decodeTexts(bytes, count) };
  if (bytes.length !== count * 4) throw new Error(`${bytes.length} bytes for ${count} values`);
  const memory = ownMemory(bytes);
  if (type === 'INT32') return { type, items: new Int32Array(memory) };
  return { type, items: new Float32Array(memory) };
}

/** The values at these positions; throws where one is outside. */
export function pick(values: Values, indices: Int32Array): Values {
  const size = sizeOf(values);
  const outside = indices.find((index) => index < 0 || index >= size);
  if (outside !== undefined) throw new Error(`value ${outside} of a dictionary of ${size}`);
  const { type, items } = values;
  switch (type) {
    case 'INT32':
      return { type, items: indices.map((index) => items[index] ?? 0) };
    case 'FLOAT':
      return { type, items: Float32Array.from(indices, (index) => items[index] ?? 0) };
    case 'BYTE_ARRAY':
      return { type, items: pickTexts(items, indices) };
    default:
      return values satisfies never;
  }
}

/** Parts of one type end to end; one part is returned as it is. */
export function joinValues(parts: readonly Values[], type: PhysicalType): Values {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  switch (type) {
    case 'INT32': {
      const items = parts.flatMap((part) => (part.type === type ? [part.items] : []));
      return { type, items: joinNumbers(items, Int32Array) };
    }
    case 'FLOAT': {
      const items = parts.flatMap((part) => (part.type === type ? [part.items] : []));
      return { type, items: joinNumbers(items, Float32Array) };
    }
    case 'BYTE_ARRAY': {
      const items = parts.flatMap((part) => (part.type === type ? [part.items] : []));
      return { type, items: joinTexts(items) };
    }
    default:
      return type satisfies never;
  }
}

function sizeOf({ type, items }: Values): number {
  return type === 'BYTE_ARRAY' ? items.offsets.length - 1 : items.length;
}

/** Memory with these bytes and nothing else: aligned, and free to be sent to another thread. */
function ownMemory(bytes: Buffer): ArrayBufferLike {
  const { buffer, byteOffset, byteLength } = bytes;
  const isAlone = byteOffset === 0 && buffer.byteLength === byteLength;
  return isAlone ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
}
