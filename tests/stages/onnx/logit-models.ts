import {
  DATA_TYPES,
  type DataType,
  type Dimension,
  graph,
  model,
  node,
  tensor,
  valueInfo,
} from '#stages/onnx/wire.ts';

/** A model that returns its float32 input `x` as `logits`, cast to a type. */
export function echoModel(
  options: { opset?: number; type?: DataType; shape?: readonly Dimension[]; output?: string } = {},
): Uint8Array {
  const shape = options.shape ?? ['batch', 'classes'];
  const type = options.type ?? 'float32';
  const output = options.output ?? 'logits';
  return model(
    graph({
      name: 'echo',
      nodes: [node('Cast', ['x'], [output], { to: { int: DATA_TYPES[type] } })],
      inputs: [valueInfo('x', 'float32', shape)],
      outputs: [valueInfo(output, type, shape)],
    }),
    { opset: options.opset ?? 17 },
  );
}

/**
 * A teacher in two nodes: the mean of class weights over the tokens that the mask lets through.
 * `weights` is [vocabulary, classes].
 */
export function bagTeacher(options: {
  readonly weights: Float32Array;
  readonly classCount: number;
  readonly tokenType?: 'int64' | 'int32';
  readonly inputs?: readonly string[];
  readonly mask?: boolean;
  readonly softmax?: boolean;
  readonly declareClasses?: boolean;
  /** Shape of every input; dynamic when left out. */
  readonly shape?: readonly [rows: Dimension, length: Dimension];
}): Uint8Array {
  const { weights, classCount, tokenType = 'int64', mask = true, softmax = false } = options;
  const shape = options.shape ?? ['batch', 'sequence'];
  const names = options.inputs ?? ['input_ids', ...(mask ? ['attention_mask'] : [])];
  const [ids = '', attention = ''] = names;
  const vocabulary = weights.length / classCount;
  const scores = softmax ? 'scores' : 'logits';
  const axes = { axes: { ints: [1] }, keepdims: { int: 0 } };
  return model(
    graph({
      name: 'bag',
      nodes: [
        node('Gather', ['weights', ids], ['vectors']),
        ...(mask
          ? [
              node('Cast', [attention], ['mask'], { to: { int: DATA_TYPES.float32 } }),
              node('Unsqueeze', ['mask'], ['mask3'], { axes: { ints: [2] } }),
              node('Mul', ['vectors', 'mask3'], ['seen']),
            ]
          : []),
        node('ReduceSum', [mask ? 'seen' : 'vectors'], [scores], axes),
        ...(softmax ? [node('Softmax', [scores], ['logits'], { axis: { int: 1 } })] : []),
      ],
      initializers: [tensor('weights', 'float32', [vocabulary, classCount], weights)],
      inputs: names.map((name) => valueInfo(name, tokenType, shape)),
      outputs: [
        valueInfo('logits', 'float32', [
          shape[0],
          options.declareClasses === false ? 'c' : classCount,
        ]),
      ],
    }),
    // The attribute form of axes, which keeps this graph short, ends with 12.
    { opset: 12 },
  );
}

/** A teacher that answers for every token: the class weights of the token, [vocabulary, classes], as logits. */
export function tokenTeacher(weights: Float32Array, classCount: number): Uint8Array {
  const vocabulary = weights.length / classCount;
  const ids = ['batch', 'sequence'];
  return model(
    graph({
      name: 'tokens',
      nodes: [
        node('Gather', ['weights', 'input_ids'], ['vectors']),
        node('Cast', ['attention_mask'], ['mask'], { to: { int: DATA_TYPES.float32 } }),
        node('Unsqueeze', ['mask', 'axes'], ['mask3']),
        node('Mul', ['vectors', 'mask3'], ['logits']),
      ],
      initializers: [
        tensor('weights', 'float32', [vocabulary, classCount], weights),
        tensor('axes', 'int64', [1], BigInt64Array.of(2n)),
      ],
      inputs: ['input_ids', 'attention_mask'].map((name) => valueInfo(name, 'int64', ids)),
      outputs: [valueInfo('logits', 'float32', [...ids, classCount])],
    }),
    { opset: 17 },
  );
}
