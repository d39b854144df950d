import type { OnnxBuilder } from './onnx-builder.ts';

/** Parts of a graph that depend on the inputs alone and are shared by all layers. */
export interface OnnxInputs {
  /** float32 [batch, sequence]: 1 for real tokens. */
  readonly mask: string;
  /** int64 [2]: batch and sequence. */
  readonly batchShape: string;
  /** int64 [1]. */
  readonly sequence: string;
}

export function onnxInputs(builder: OnnxBuilder): OnnxInputs {
  const batchShape = builder.add('Shape', ['input_ids']);
  return {
    mask: builder.add('Cast', ['attention_mask'], { to: { int: FLOAT } }),
    batchShape,
    sequence: builder.add('Slice', [batchShape, builder.ints([1]), builder.ints([2])]),
  };
}

/** Embedding rows [batch, sequence, hidden]. */
export function onnxEmbedding(builder: OnnxBuilder, table: string): string {
  return builder.add('Gather', [builder.weight(table), 'input_ids']);
}

/** Added to the scores [.., batch, heads, queries, keys]: 0 for real tokens, -1e9 for padding. */
export function onnxPaddingScores(builder: OnnxBuilder, { mask }: OnnxInputs): string {
  const padding = builder.add('Sub', [builder.scalar(1), mask]);
  const scores = builder.add('Mul', [padding, builder.scalar(-1e9)]);
  return builder.add('Unsqueeze', [scores, builder.ints([1, 2])]);
}

/** float32 [sequence]: 0, 1, 2, ... */
export function onnxPlaces(builder: OnnxBuilder, { sequence }: OnnxInputs): string {
  const length = builder.add('Squeeze', [sequence]);
  const counted = builder.add('Range', [
    builder.add('Squeeze', [builder.ints([0])]),
    length,
    builder.add('Squeeze', [builder.ints([1])]),
  ]);
  return builder.add('Cast', [counted], { to: { int: FLOAT } });
}

/** Added to the scores [.., queries, keys]: 0 for a token and those before it, -1e9 for those behind it. */
export function onnxFutureScores(builder: OnnxBuilder, inputs: OnnxInputs): string {
  const places = onnxPlaces(builder, inputs);
  const [rows, columns] = [builder.ints([1]), builder.ints([0])].map((axis) =>
    builder.add('Unsqueeze', [places, axis]),
  ) as [string, string];
  const isBehind = builder.add('Less', [rows, columns]);
  const behind = builder.add('Cast', [isBehind], { to: { int: FLOAT } });
  return builder.add('Mul', [behind, builder.scalar(-1e9)]);
}

/** softmax(scale q k^T + padding) v of tensors [batch, heads, length, headSize], in that layout. */
export function onnxAttend(
  builder: OnnxBuilder,
  heads: { readonly query: string; readonly key: string; readonly value: string },
  options: { readonly padding: string; readonly scale: number },
): string {
  const products = builder.add('MatMul', [heads.query, builder.transpose(heads.key, [0, 1, 3, 2])]);
  const scaled = builder.add('Mul', [products, builder.scalar(options.scale)]);
  const scores = builder.add('Add', [scaled, options.padding]);
  const shares = builder.add('Softmax', [scores], { axis: { int: -1 } });
  return builder.add('MatMul', [shares, heads.value]);
}

/** Rows [batch * sequence, hidden] -> those of the first tokens [batch, hidden]. */
export function onnxFirstTokens(
  builder: OnnxBuilder,
  x: string,
  { batchShape }: OnnxInputs,
  hiddenSize: number,
): string {
  const perText = builder.reshape(x, builder.concat([batchShape, builder.ints([hiddenSize])], 0));
  const first = builder.add('Slice', [
    perText,
    builder.ints([0]),
    builder.ints([1]),
    builder.ints([1]), // axis: sequence
  ]);
  return builder.reshape(first, builder.ints([-1, hiddenSize]));
}

/** Rows [batch * sequence, classes] -> [batch, sequence, classes]. */
export function onnxPerToken(
  builder: OnnxBuilder,
  rows: string,
  { batchShape }: OnnxInputs,
  { classCount }: { readonly classCount: number },
): string {
  return builder.reshape(rows, builder.concat([batchShape, builder.ints([classCount])], 0));
}

/** Rows [batch * sequence, hidden] -> mean over the real tokens [batch, hidden]. */
export function onnxMeanOverTokens(
  builder: OnnxBuilder,
  x: string,
  inputs: OnnxInputs,
  hiddenSize: number,
): string {
  const counts = builder.add('ReduceSum', [inputs.mask, builder.ints([1])]);
  const shares = builder.add('Div', [
    inputs.mask,
    builder.add('Max', [counts, builder.scalar(1)]), // a row without tokens must not give NaN
  ]);
  const shape = builder.concat([inputs.batchShape, builder.ints([hiddenSize])], 0);
  const mean = builder.add('MatMul', [
    builder.add('Unsqueeze', [shares, builder.ints([1])]),
    builder.reshape(x, shape),
  ]); // [batch, 1, hidden]
  return builder.reshape(mean, builder.ints([-1, hiddenSize]));
}

/** TensorProto.DataType */
export const FLOAT = 1;
export const INT64 = 7;
