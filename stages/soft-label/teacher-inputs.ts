import { Failure } from '#cache/failure.ts';
import { hasFreeAxis } from '#datasets/feature-rows.ts';
import type { TensorShape } from '#datasets/features.ts';
import {
  type FeatureInputs,
  featureFeeds,
  matchFeatureInputs,
} from '#stages/onnx/feature-inputs.ts';
import {
  INTEGER_TYPES,
  type InputType,
  MASK_TYPES,
  tensorOf,
} from '#stages/onnx/integer-tensor.ts';
import type { OnnxSession, SessionTensor, SessionValue } from '#stages/onnx/session.ts';
import { type Batch, type BatchShape, lengthStepOf, roundUp } from './batches.ts';
import type { Padding } from './padding.ts';
import type { TeacherRow } from './teacher-rows.ts';

const COLUMNS = [
  'input_ids',
  'attention_mask',
  'token_type_ids',
  'position_ids',
  'decoder_input_ids',
  'decoder_attention_mask',
] as const;

/** What Decant can feed a text teacher with, by the names that Hugging Face exports use. */
export type InputColumn = (typeof COLUMNS)[number];

/** How the columns enter this model. */
export interface TeacherInputs {
  readonly inputs: readonly { readonly name: InputColumn; readonly type: InputType }[];
  readonly features: FeatureInputs;
  readonly shape: BatchShape;
  /** Does it read a target beside the text? */
  readonly hasDecoder: boolean;
}

/** The model asks for something that the corpus does not have. */
export class TeacherInputsError extends Failure {
  constructor(inputs: readonly SessionValue[], tensors: readonly string[] = []) {
    const wanted = inputs.map(({ name, type, shape }) => `${name} (${type}[${shape.join(', ')}])`);
    super(
      'model',
      'E_TEACHER_INPUTS',
      `the teacher's inputs cannot be matched: the model wants ${wanted.join(', ') || 'nothing'}; Decant has ${COLUMNS.join(', ')} (int64 or int32, masks also ${MASK_TYPES.join(', ')}; [batch, sequence])${tensors.length === 0 ? '' : ` and the tensors ${tensors.join(', ')}`}`,
      tensors.length === 0
        ? 'export the teacher with its plain inputs: optimum-cli export onnx --task text-classification, token-classification, fill-mask or text-generation (not -with-past), or name its inputs in corpus.columns.tensors'
        : 'name the tensors in corpus.columns.tensors as the model names its inputs',
    );
  }
}

/** The tokens have a target and the model no place for it, or the other way round. */
export class TargetsMismatchError extends Failure {
  constructor(hasDecoder: boolean) {
    super(
      'model',
      'E_TEACHER_INPUTS',
      hasDecoder
        ? 'the teacher reads decoder_input_ids, and the corpus gives no targets'
        : 'the corpus gives targets, and the teacher has no input decoder_input_ids',
      hasDecoder
        ? 'set task: sequence-to-sequence, and corpus.columns.target'
        : 'export encoder and decoder as one graph with the inputs input_ids, attention_mask and decoder_input_ids, without past key values',
    );
  }
}

/** Without a mask the padding that a fixed length needs would be read as text. */
export class MissingMaskError extends Failure {
  constructor(what: string) {
    super(
      'model',
      'E_TEACHER_INPUTS',
      `the teacher ${what} and has no attention_mask: shorter rows cannot be padded`,
      'export it with attention_mask among its inputs, or with a dynamic sequence axis',
    );
  }
}

/** Matches a session's inputs with our columns by name; all of the model's, and the ids or all tensors. */
export function matchTeacherInputs(
  { inputs: all, provider }: Pick<OnnxSession, 'inputs' | 'provider'>,
  shapes: Readonly<Record<string, TensorShape>> = {},
): TeacherInputs {
  const lengthStep = lengthStepOf(provider);
  const features = matchFeatureInputs(all, shapes);
  const tensors = Object.keys(shapes);
  const inputs = all.filter(({ name }) => !tensors.includes(name));
  const matched = inputs.flatMap(({ name, type, shape }) => {
    const column = COLUMNS.find((candidate) => candidate === name);
    const types =
      !name.endsWith('_mask') && name !== 'token_type_ids'
        ? INTEGER_TYPES
        : [...INTEGER_TYPES, ...MASK_TYPES];
    const known = types.find((candidate) => candidate === type);
    const isUsable = column !== undefined && known !== undefined && shape.length === 2;
    return isUsable ? [{ name: column, type: known }] : [];
  });
  const names = new Set(matched.map(({ name }) => name));
  const isTensorOnly = inputs.length === 0 && tensors.length > 0;
  if (
    matched.length !== inputs.length ||
    features.inputs.length !== tensors.length ||
    !(names.has('input_ids') || isTensorOnly)
  ) {
    throw new TeacherInputsError(all, tensors);
  }
  if (isTensorOnly) return tensorInputs(features, shapes, lengthStep);
  const isUnmasked = !names.has('attention_mask');
  const [fixedRows, fixedLength] = [fixedDimension(all, 0), fixedDimension(inputs, 1)];
  if (isUnmasked && fixedLength !== undefined) {
    throw new MissingMaskError(`takes ${fixedLength} tokens a row`);
  }
  const hasDecoder = names.has('decoder_input_ids');
  if (isUnmasked && hasDecoder) throw new MissingMaskError('reads texts and their targets');
  const isFree = fixedRows === undefined && fixedLength === undefined && !hasDecoder;
  const exactLengths = isUnmasked || (isFree && provider === 'cpu');
  const shape = { exactLengths, fixedRows, fixedLength, lengthStep };
  return { inputs: matched, features, shape, hasDecoder };
}

/** Rows of different length are never padded: what a model makes of padding is not known. */
function tensorInputs(
  features: FeatureInputs,
  shapes: Readonly<Record<string, TensorShape>>,
  lengthStep: number,
): TeacherInputs {
  const exactLengths = hasFreeAxis(shapes);
  const { fixedRows } = features;
  const shape = { exactLengths, fixedRows, fixedLength: undefined, lengthStep };
  return { inputs: [], features, shape, hasDecoder: false };
}

/** A dimension that the model was exported with as a number, in whichever of its inputs. */
function fixedDimension(inputs: readonly SessionValue[], axis: 0 | 1): number | undefined {
  const sizes = inputs.map(({ shape }) => shape[axis]);
  return sizes.find((size) => typeof size === 'number' && size > 0) as number | undefined;
}

/** Padded tokens of the texts of a batch, and of their targets where there are any. */
export interface PaddedLengths extends Pick<Batch, 'length'> {
  readonly targetLength?: number;
}

/** Each side is as long as its own longest row needs, rounded up as batches are. */
export function paddedLengths(
  rows: readonly TeacherRow[],
  { length }: Pick<Batch, 'length'>,
  { hasDecoder, shape }: TeacherInputs,
): Required<PaddedLengths> {
  if (!hasDecoder || shape.fixedLength !== undefined) return { length, targetLength: length };
  const padded = (lengths: readonly number[]) =>
    Math.min(length, roundUp(Math.max(1, ...lengths), shape.lengthStep));
  return {
    length: padded(rows.map(({ tokenIds }) => tokenIds.length)),
    targetLength: padded(rows.map(({ targetIds }) => targetIds?.length ?? 0)),
  };
}

/** The tensors of one batch: rows padded on the right. */
export function feedsOf(
  { inputs, features }: TeacherInputs,
  rows: readonly TeacherRow[],
  { length: textLength, targetLength = textLength }: PaddedLengths,
  padding: Padding,
): Record<string, SessionTensor> {
  const tokens = inputs.map(({ name, type }) => {
    const length = name.startsWith('decoder_') ? targetLength : textLength;
    const column = columnOf(name, rows, length, padding);
    return [name, tensorOf(column, type, [rows.length, length])] as const;
  });
  const tensors = featureFeeds(
    features,
    rows.map((row) => row.features ?? {}),
  );
  return { ...Object.fromEntries(tokens), ...tensors };
}

function columnOf(
  name: InputColumn,
  rows: readonly TeacherRow[],
  length: number,
  { padTokenId, firstPosition = 0 }: Padding,
): Int32Array {
  const column = new Int32Array(rows.length * length);
  if (name.endsWith('input_ids')) column.fill(padTokenId);
  // Where positions are counted from the id of padding, padding stands at its own.
  if (name === 'position_ids' && firstPosition > 0) column.fill(padTokenId);
  rows.forEach((row, index) => {
    const start = index * length;
    const tokenIds = name.startsWith('decoder_') ? (row.targetIds ?? NO_TOKENS) : row.tokenIds;
    if (name.endsWith('attention_mask')) column.fill(1, start, start + tokenIds.length);
    else if (name.endsWith('input_ids')) column.set(tokenIds, start);
    else if (name === 'position_ids')
      column.set(
        tokenIds.map((_, place) => firstPosition + place),
        start,
      );
    else if (row.typeIds !== null) column.set(row.typeIds, start);
  });
  return column;
}

const NO_TOKENS = new Int32Array();
