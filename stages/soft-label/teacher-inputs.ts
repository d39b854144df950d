import { Failure } from '#cache/failure.ts';
import { hasFreeAxis } from '#datasets/feature-rows.ts';
import type { TensorShape } from '#datasets/features.ts';
import {
  type FeatureInputs,
  featureFeeds,
  matchFeatureInputs,
} from '#stages/onnx/feature-inputs.ts';
import { MASK_TYPES } from '#stages/onnx/integer-tensor.ts';
import type { OnnxSession, SessionTensor, SessionValue } from '#stages/onnx/session.ts';
import {
  fixedDimension,
  type Padding,
  TEXT_COLUMNS,
  type TextInput,
  textFeeds,
  textInputs,
} from '#stages/onnx/text-inputs.ts';
import {
  type Batch,
  type BatchShape,
  type LengthRounding,
  roundedLength,
  roundingOf,
} from './batches.ts';
import type { TeacherRow } from './teacher-rows.ts';

/** How the columns enter this model. */
export interface TeacherInputs {
  readonly inputs: readonly TextInput[];
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
      `the teacher's inputs cannot be matched: the model wants ${wanted.join(', ') || 'nothing'}; Decant has ${TEXT_COLUMNS.join(', ')} (int64 or int32, masks also ${MASK_TYPES.join(', ')}; [batch, sequence])${tensors.length === 0 ? '' : ` and the tensors ${tensors.join(', ')}`}`,
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
  const rounding = roundingOf(provider);
  const features = matchFeatureInputs(all, shapes);
  const tensors = Object.keys(shapes);
  const inputs = all.filter(({ name }) => !tensors.includes(name));
  const matched = textInputs(inputs);
  const names = new Set(matched.map(({ name }) => name));
  const isTensorOnly = inputs.length === 0 && tensors.length > 0;
  if (
    matched.length !== inputs.length ||
    features.inputs.length !== tensors.length ||
    !(names.has('input_ids') || isTensorOnly)
  ) {
    throw new TeacherInputsError(all, tensors);
  }
  if (isTensorOnly) return tensorInputs(features, shapes, rounding);
  const isUnmasked = !names.has('attention_mask');
  const [fixedRows, fixedLength] = [fixedDimension(all, 0), fixedDimension(inputs, 1)];
  if (isUnmasked && fixedLength !== undefined) {
    throw new MissingMaskError(`takes ${fixedLength} tokens a row`);
  }
  const hasDecoder = names.has('decoder_input_ids');
  if (isUnmasked && hasDecoder) throw new MissingMaskError('reads texts and their targets');
  const isFree = fixedRows === undefined && fixedLength === undefined && !hasDecoder;
  const exactLengths = isUnmasked || (isFree && provider === 'cpu');
  const shape = { exactLengths, fixedRows, fixedLength, rounding };
  return { inputs: matched, features, shape, hasDecoder };
}

/** Rows of different length are never padded: what a model makes of padding is not known. */
function tensorInputs(
  features: FeatureInputs,
  shapes: Readonly<Record<string, TensorShape>>,
  rounding: LengthRounding,
): TeacherInputs {
  const exactLengths = hasFreeAxis(shapes);
  const { fixedRows } = features;
  const shape = { exactLengths, fixedRows, fixedLength: undefined, rounding };
  return { inputs: [], features, shape, hasDecoder: false };
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
    Math.min(length, roundedLength(Math.max(1, ...lengths), shape.rounding));
  return {
    length: padded(rows.map(({ tokenIds }) => tokenIds.length)),
    targetLength: padded(rows.map(({ targetIds }) => targetIds?.length ?? 0)),
  };
}

/** The tensors of one batch: rows padded on the right. */
export function feedsOf(
  { inputs, features }: TeacherInputs,
  rows: readonly TeacherRow[],
  lengths: PaddedLengths,
  padding: Padding,
): Record<string, SessionTensor> {
  const tensors = featureFeeds(
    features,
    rows.map((row) => row.features ?? {}),
  );
  return { ...textFeeds(inputs, rows, lengths, padding), ...tensors };
}
