import { Failure } from '#cache/failure.ts';
import {
  INTEGER_TYPES,
  type InputType,
  MASK_TYPES,
  tensorOf,
} from '#stages/onnx/integer-tensor.ts';
import type { SessionTensor, SessionValue } from '#stages/onnx/session.ts';
import type { Batch, BatchShape } from './batches.ts';
import type { TeacherRow } from './teacher-rows.ts';

const COLUMNS = ['input_ids', 'attention_mask', 'token_type_ids'] as const;

/** What Decant can feed a text teacher with, by the names that Hugging Face exports use. */
export type InputColumn = (typeof COLUMNS)[number];

/** How the columns enter this model. */
export interface TeacherInputs {
  readonly inputs: readonly { readonly name: InputColumn; readonly type: InputType }[];
  readonly shape: BatchShape;
}

/** The model asks for something that the corpus does not have. */
export class TeacherInputsError extends Failure {
  constructor(inputs: readonly SessionValue[]) {
    const wanted = inputs.map(({ name, type, shape }) => `${name} (${type}[${shape.join(', ')}])`);
    super(
      'model',
      'E_TEACHER_INPUTS',
      `the teacher's inputs cannot be matched: the model wants ${wanted.join(', ') || 'nothing'}; Decant has ${COLUMNS.join(', ')} (int64 or int32, masks also ${MASK_TYPES.join(', ')}; [batch, sequence])`,
      'export the teacher as a text classifier: optimum-cli export onnx --task text-classification',
    );
  }
}

/** Without a mask the padding that a fixed length needs would be read as text. */
export class FixedWithoutMaskError extends Failure {
  constructor(length: number) {
    super(
      'model',
      'E_TEACHER_INPUTS',
      `the teacher takes ${length} tokens a row and has no attention_mask: shorter rows cannot be padded`,
      'export it with attention_mask among its inputs, or with a dynamic sequence axis',
    );
  }
}

/** Matches the model's inputs with our columns by name; all of the model's and at least the ids. */
export function matchTeacherInputs(inputs: readonly SessionValue[]): TeacherInputs {
  const matched = inputs.flatMap(({ name, type, shape }) => {
    const column = COLUMNS.find((candidate) => candidate === name);
    const types = name === 'input_ids' ? INTEGER_TYPES : [...INTEGER_TYPES, ...MASK_TYPES];
    const known = types.find((candidate) => candidate === type);
    const isUsable = column !== undefined && known !== undefined && shape.length === 2;
    return isUsable ? [{ name: column, type: known }] : [];
  });
  const names = new Set(matched.map(({ name }) => name));
  if (matched.length !== inputs.length || !names.has('input_ids')) {
    throw new TeacherInputsError(inputs);
  }
  const exactLengths = !names.has('attention_mask');
  const [fixedRows, fixedLength] = [fixedDimension(inputs, 0), fixedDimension(inputs, 1)];
  if (exactLengths && fixedLength !== undefined) throw new FixedWithoutMaskError(fixedLength);
  return { inputs: matched, shape: { exactLengths, fixedRows, fixedLength } };
}

/** A dimension that the model was exported with as a number, in whichever of its inputs. */
function fixedDimension(inputs: readonly SessionValue[], axis: 0 | 1): number | undefined {
  const sizes = inputs.map(({ shape }) => shape[axis]);
  return sizes.find((size) => typeof size === 'number' && size > 0) as number | undefined;
}

/** The tensors of one batch: rows padded on the right. */
export function feedsOf(
  { inputs }: TeacherInputs,
  rows: readonly TeacherRow[],
  { length }: Pick<Batch, 'length'>,
  padTokenId: number,
): Record<string, SessionTensor> {
  const dims = [rows.length, length];
  return Object.fromEntries(
    inputs.map(({ name, type }) => [
      name,
      tensorOf(columnOf(name, rows, length, padTokenId), type, dims),
    ]),
  );
}

function columnOf(
  name: InputColumn,
  rows: readonly TeacherRow[],
  length: number,
  padTokenId: number,
): Int32Array {
  const column = new Int32Array(rows.length * length);
  if (name === 'input_ids') column.fill(padTokenId);
  rows.forEach(({ tokenIds, typeIds }, row) => {
    const start = row * length;
    if (name === 'attention_mask') column.fill(1, start, start + tokenIds.length);
    else if (name === 'input_ids') column.set(tokenIds, start);
    else if (typeIds !== null) column.set(typeIds, start);
  });
  return column;
}
