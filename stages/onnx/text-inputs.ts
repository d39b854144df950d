import { INTEGER_TYPES, type InputType, MASK_TYPES, tensorOf } from './integer-tensor.ts';
import type { SessionTensor, SessionValue } from './session.ts';

export const TEXT_COLUMNS = [
  'input_ids',
  'attention_mask',
  'token_type_ids',
  'position_ids',
  'decoder_input_ids',
  'decoder_attention_mask',
] as const;

/** What tokens can fill, by the names that Hugging Face exports use. */
type TextColumn = (typeof TEXT_COLUMNS)[number];

/** An input of a model that tokens fill. */
export interface TextInput {
  readonly name: TextColumn;
  readonly type: InputType;
}

/** The tokens of one row. */
interface TextRow {
  readonly tokenIds: Int32Array;
  /** Null where the rows are no pairs. */
  readonly typeIds: Int32Array | null;
  /** What a decoder reads. */
  readonly targetIds?: Int32Array | undefined;
}

/** What a model reads where a row has no more tokens, and where it counts from. */
export interface Padding {
  /** Padding is masked, but some encoders count positions by it. */
  readonly padTokenId: number;
  /** Of the first token, where the model takes position_ids; 0 when left out. */
  readonly firstPosition?: number | undefined;
}

/** Those of a model's inputs that tokens can fill: by name, of an integer type (masks also of others), [batch, sequence]. */
export function textInputs(inputs: readonly SessionValue[]): TextInput[] {
  return inputs.flatMap(({ name, type, shape }) => {
    const column = TEXT_COLUMNS.find((candidate) => candidate === name);
    const isMask = name.endsWith('_mask') || name === 'token_type_ids';
    const types = isMask ? [...INTEGER_TYPES, ...MASK_TYPES] : INTEGER_TYPES;
    const known = types.find((candidate) => candidate === type);
    const isUsable = column !== undefined && known !== undefined && shape.length === 2;
    return isUsable ? [{ name: column, type: known }] : [];
  });
}

/** A dimension that the model was exported with as a number, in whichever of its inputs. */
export function fixedDimension(inputs: readonly SessionValue[], axis: 0 | 1): number | undefined {
  const sizes = inputs.map(({ shape }) => shape[axis]);
  return sizes.find((size): size is number => typeof size === 'number' && size > 0);
}

/** The tensors of one batch: rows padded on the right, [rows, length] each; those of a decoder [rows, targetLength]. */
export function textFeeds(
  inputs: readonly TextInput[],
  rows: readonly TextRow[],
  { length: textLength, targetLength = textLength }: { length: number; targetLength?: number },
  padding: Padding,
): Record<string, SessionTensor> {
  const entries = inputs.map(({ name, type }) => {
    const length = isOfDecoder(name) ? targetLength : textLength;
    const column = columnOf(name, rows, length, padding);
    return [name, tensorOf(column, type, [rows.length, length])] as const;
  });
  return Object.fromEntries(entries);
}

/** Does a decoder read it, and not the encoder? */
export function isOfDecoder(name: string): boolean {
  return name.startsWith('decoder_');
}

function columnOf(
  name: TextColumn,
  rows: readonly TextRow[],
  length: number,
  { padTokenId, firstPosition = 0 }: Padding,
): Int32Array {
  const column = new Int32Array(rows.length * length);
  if (name.endsWith('input_ids')) column.fill(padTokenId);
  // Where positions are counted from the id of padding, padding stands at its own.
  if (name === 'position_ids' && firstPosition > 0) column.fill(padTokenId);
  rows.forEach((row, index) => {
    const start = index * length;
    const tokenIds = isOfDecoder(name) ? (row.targetIds ?? NO_TOKENS) : row.tokenIds;
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
