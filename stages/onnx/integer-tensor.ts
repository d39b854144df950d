import { halfOf } from './half-floats.ts';
import type { SessionTensor } from './session.ts';

export const INTEGER_TYPES = ['int64', 'int32'] as const;

/** Some exports take their masks as floats or truth values. */
export const MASK_TYPES = ['float32', 'float16', 'bool'] as const;

/** Element types in which integers can enter a model. */
export type InputType = (typeof INTEGER_TYPES)[number] | (typeof MASK_TYPES)[number];

/** Integers as a tensor of the type that the model wants; none of them negative, in float16 at most 2048. */
export function tensorOf(
  column: Int32Array,
  type: InputType,
  dims: readonly number[],
): SessionTensor {
  switch (type) {
    case 'int64':
      return { type, data: wide(column), dims };
    case 'int32':
      return { type, data: column, dims };
    case 'float32':
      return { type, data: Float32Array.from(column), dims };
    case 'float16':
      return { type, data: Uint16Array.from(column, halfOf), dims };
    case 'bool':
      return { type, data: Uint8Array.from(column), dims };
    default:
      return type satisfies never;
  }
}

function wide(column: Int32Array): BigInt64Array {
  const data = new BigInt64Array(column.length);
  // Ids are not negative, so the low halves are all there is; a BigInt for each would cost more.
  const lowHalves = new Int32Array(data.buffer);
  for (let index = 0; index < column.length; index++) lowHalves[2 * index] = column[index] ?? 0;
  return data;
}
