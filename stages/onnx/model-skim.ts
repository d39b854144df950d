import { Failure } from '#cache/failure.ts';
import { DATA_TYPES, type DataType, type Dimension } from './wire.ts';
import {
  type ByteSource,
  bytesAsSource,
  type Field,
  fieldsOf,
  nested,
  textOf,
  WireError,
  withFileSource,
} from './wire-reader.ts';

/** Name, type and shape of a graph's input or output. */
export interface GraphValue {
  readonly name: string;
  /** Undefined for types that Decant has no name for, and for values that are not tensors. */
  readonly type: DataType | undefined;
  /** Undefined where the model does not say. */
  readonly shape: readonly Dimension[] | undefined;
}

/** What a model says of itself, read without its weights. */
export interface ModelSkim {
  /** Version of ONNX's own operators; 0 where the file names none. */
  readonly opset: number;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Names of nodes, values and constants: what appended ones must not collide with. */
  readonly names: ReadonlySet<string>;
  /** What the nodes give. */
  readonly tensors: ReadonlySet<string>;
  /** What kinds of nodes there are, such as `MatMul`. */
  readonly operators: ReadonlySet<string>;
  /** Files with weights, relative to the model's folder. */
  readonly externalFiles: ReadonlySet<string>;
}

/** A file that is no ONNX model, or only a part of one. */
export class BrokenModelError extends Failure {
  constructor(model: string, reason: string) {
    super(
      'model',
      'E_MODEL_BROKEN',
      `${model}: not an ONNX model: ${reason}`,
      'point teacher.model at an .onnx file, or at a folder with onnx/model.onnx, that was copied whole',
    );
  }
}

/** Reads a model file's own description: a few kilobytes, however large its weights are. */
export function skimModelFile(path: string): ModelSkim {
  return withFileSource(path, (source) => skim(source, path));
}

/** Same for a model in memory. */
export function skimModel(bytes: Uint8Array): ModelSkim {
  return skim(bytesAsSource(bytes), 'model in memory');
}

interface Draft {
  opset: number;
  readonly inputs: GraphValue[];
  readonly outputs: GraphValue[];
  readonly names: Set<string>;
  readonly tensors: Set<string>;
  readonly operators: Set<string>;
  readonly externalFiles: Set<string>;
  readonly constants: Set<string>;
  graphs: number;
}

function skim(source: ByteSource, name: string): ModelSkim {
  const draft: Draft = {
    opset: 0,
    inputs: [],
    outputs: [],
    names: new Set(),
    tensors: new Set(),
    operators: new Set(),
    externalFiles: new Set(),
    constants: new Set(),
    graphs: 0,
  };
  try {
    for (const field of fieldsOf(source, 0, source.size)) skimModelField(source, field, draft);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new BrokenModelError(name, error.message);
  }
  if (draft.graphs === 0) throw new BrokenModelError(name, 'it has no graph');
  // Models of old exporters list their constants among the inputs.
  return { ...draft, inputs: draft.inputs.filter((input) => !draft.constants.has(input.name)) };
}

function skimModelField(source: ByteSource, field: Field, draft: Draft): void {
  if (field.number === 8) draft.opset ||= opsetOf(source, field);
  if (field.number !== 7) return;
  draft.graphs += 1;
  for (const part of nested(source, field)) skimGraphField(source, part, draft);
}

function skimGraphField(source: ByteSource, part: Field, draft: Draft): void {
  if (part.number === 1) skimNode(source, part, draft);
  else if (part.number === 5) skimConstant(source, part, draft);
  else if (part.number === 11) draft.inputs.push(valueOf(source, part));
  else if (part.number === 12) draft.outputs.push(valueOf(source, part));
}

function skimNode(source: ByteSource, part: Field, draft: Draft): void {
  for (const field of nested(source, part)) {
    if (field.number === 2 || field.number === 3) draft.names.add(textOf(source, field));
    if (field.number === 2) draft.tensors.add(textOf(source, field));
    if (field.number === 4) draft.operators.add(textOf(source, field));
  }
}

function skimConstant(source: ByteSource, part: Field, draft: Draft): void {
  for (const field of nested(source, part)) {
    if (field.number === 8) {
      const name = textOf(source, field);
      draft.names.add(name);
      draft.constants.add(name);
    }
    if (field.number !== 13) continue;
    const [key, value] = [...nested(source, field)].map((entry) => textOf(source, entry));
    if (key === 'location' && value !== undefined) draft.externalFiles.add(value);
  }
}

/** Only ONNX's own operator set counts: `''` or `ai.onnx`. */
function opsetOf(source: ByteSource, field: Field): number {
  let domain = '';
  let version = 0;
  for (const part of nested(source, field)) {
    if (part.number === 1) domain = textOf(source, part);
    else if (part.number === 2) version = Number(part.value);
  }
  return domain === '' || domain === 'ai.onnx' ? version : 0;
}

function valueOf(source: ByteSource, field: Field): GraphValue {
  let name = '';
  let type: DataType | undefined;
  let shape: Dimension[] | undefined;
  for (const part of nested(source, field)) {
    if (part.number === 1) name = textOf(source, part);
    if (part.number !== 2) continue;
    for (const tensorType of nested(source, part)) {
      if (tensorType.number !== 1) continue;
      for (const detail of nested(source, tensorType)) {
        if (detail.number === 1) type = dataTypeOf(Number(detail.value));
        else if (detail.number === 2) shape = shapeOf(source, detail);
      }
    }
  }
  return { name, type, shape };
}

function shapeOf(source: ByteSource, field: Field): Dimension[] {
  return [...nested(source, field)].map((dimension) => {
    const [size] = nested(source, dimension);
    if (size === undefined) return '';
    return size.number === 1 ? Number(size.value) : textOf(source, size);
  });
}

function dataTypeOf(code: number): DataType | undefined {
  const names = Object.keys(DATA_TYPES) as DataType[];
  return names.find((name) => DATA_TYPES[name] === code);
}
