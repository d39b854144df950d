import { DATA_TYPES } from './wire.ts';
import {
  type ByteSource,
  dimensionsOf,
  type Field,
  fieldsOf,
  nested,
  withFileSource,
} from './wire-reader.ts';

/**
 * How many weights an ONNX file holds: the elements of its initialisers, as floats or as the bytes
 * that a quantised model restores them from. Integers of 32 and 64 bits are shapes and indices.
 */
export function countParameters(path: string): number {
  return withFileSource(path, parametersIn);
}

function parametersIn(source: ByteSource): number {
  let total = 0;
  for (const field of fieldsOf(source, 0, source.size)) {
    if (field.number !== MODEL_GRAPH) continue;
    for (const part of nested(source, field)) {
      if (part.number === GRAPH_INITIALIZER) total += elementsOf(source, part);
    }
  }
  return total;
}

function elementsOf(source: ByteSource, initializer: Field): number {
  let elements = 1;
  let isWeight = false;
  for (const field of nested(source, initializer)) {
    if (field.number === TENSOR_DIMS) {
      for (const size of dimensionsOf(source, field)) elements *= size;
    }
    if (field.number === TENSOR_TYPE) isWeight = WEIGHT_TYPES.has(Number(field.value));
  }
  return isWeight ? elements : 0;
}

const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_DIMS = 1;
const TENSOR_TYPE = 2;
const WEIGHT_TYPES: ReadonlySet<number> = new Set([
  DATA_TYPES.float32,
  DATA_TYPES.float16,
  DATA_TYPES.float64,
  DATA_TYPES.int8,
  DATA_TYPES.uint8,
]);
