import {
  DATA_TYPES,
  type DataType,
  type Dimension,
  graph,
  int64Tensor,
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
  /** Types of single inputs; that of the tokens for the others. */
  readonly types?: Readonly<Record<string, DataType>>;
  /** Wants 40 TB of memory for a batch of more tokens. */
  readonly mostTokens?: number;
  /** Shape of every input; dynamic when left out. */
  readonly shape?: readonly [rows: Dimension, length: Dimension];
}): Uint8Array {
  const { weights, classCount, tokenType = 'int64', mask = true, softmax = false } = options;
  const shape = options.shape ?? ['batch', 'sequence'];
  const names = options.inputs ?? ['input_ids', ...(mask ? ['attention_mask'] : [])];
  const [ids = '', attention = ''] = names;
  const vocabulary = weights.length / classCount;
  const scores = softmax ? 'scores' : 'logits';
  const greed = options.mostTokens === undefined ? undefined : greedyZero(ids, options.mostTokens);
  const sums = greed === undefined ? scores : 'sums';
  const axes = { axes: { ints: [1] }, keepdims: { int: 0 } };
  return model(
    graph({
      name: 'bag',
      nodes: [
        node('Cast', [ids], ['ids'], { to: { int: DATA_TYPES.int64 } }),
        node('Gather', ['weights', 'ids'], ['vectors']),
        ...(mask
          ? [
              node('Cast', [attention], ['mask'], { to: { int: DATA_TYPES.float32 } }),
              node('Unsqueeze', ['mask'], ['mask3'], { axes: { ints: [2] } }),
              node('Mul', ['vectors', 'mask3'], ['seen']),
            ]
          : []),
        node('ReduceSum', [mask ? 'seen' : 'vectors'], [sums], axes),
        ...(greed === undefined ? [] : [...greed.nodes, node('Add', [sums, 'zero'], [scores])]),
        ...(softmax ? [node('Softmax', [scores], ['logits'], { axis: { int: 1 } })] : []),
      ],
      initializers: [
        tensor('weights', 'float32', [vocabulary, classCount], weights),
        ...(greed?.initializers ?? []),
      ],
      inputs: names.map((name) => valueInfo(name, options.types?.[name] ?? tokenType, shape)),
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

/** Nodes whose result `zero` is 0, and which need more memory than there is for more than `most` tokens. */
function greedyZero(ids: string, most: number) {
  return {
    nodes: [
      node('Size', [ids], ['tokens']),
      node('Greater', ['tokens', 'most'], ['isTooMany']),
      node('Where', ['isTooMany', 'everything', 'one'], ['wanted']),
      node('ConstantOfShape', ['wanted'], ['memory']),
      node('ReduceMax', ['memory'], ['zero'], { axes: { ints: [0] }, keepdims: { int: 0 } }),
    ],
    initializers: [
      int64Tensor('most', [most]),
      int64Tensor('everything', [1e13]),
      int64Tensor('one', [1]),
    ],
  };
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

/**
 * A bag of words in two layers with weights in int8, as quantisers write it: `weights` are restored by
 * DequantizeLinear; `dynamic` also quantises the activations of each batch and multiplies integers.
 */
export function int8Teacher(
  kind: 'weights' | 'dynamic',
  embedding: { readonly values: Int8Array; readonly width: number },
  head: { readonly values: Int8Array; readonly classCount: number },
): Uint8Array {
  const { width } = embedding;
  const vocabulary = embedding.values.length / width;
  const shape = ['batch', 'sequence'];
  const axes = { axes: { ints: [1] }, keepdims: { int: 0 } };
  return model(
    graph({
      name: 'int8',
      nodes: [
        node('DequantizeLinear', ['words_q', 'scale'], ['words']),
        node('Gather', ['words', 'input_ids'], ['vectors']),
        node('Cast', ['attention_mask'], ['mask'], { to: { int: DATA_TYPES.float32 } }),
        node('Unsqueeze', ['mask'], ['mask3'], { axes: { ints: [2] } }),
        node('Mul', ['vectors', 'mask3'], ['seen']),
        node('ReduceSum', ['seen'], ['bag'], axes),
        ...(kind === 'weights' ? WEIGHT_NODES : DYNAMIC_NODES),
      ],
      initializers: [
        tensor('words_q', 'int8', [vocabulary, width], embedding.values),
        tensor('head_q', 'int8', [width, head.classCount], head.values),
        tensor('scale', 'float32', [], Float32Array.of(1 / 64)),
      ],
      inputs: ['input_ids', 'attention_mask'].map((name) => valueInfo(name, 'int64', shape)),
      outputs: [valueInfo('logits', 'float32', ['batch', head.classCount])],
    }),
    { opset: 12 },
  );
}

const WEIGHT_NODES = [
  node('DequantizeLinear', ['head_q', 'scale'], ['head']),
  node('MatMul', ['bag', 'head'], ['logits']),
];

const DYNAMIC_NODES = [
  node('DynamicQuantizeLinear', ['bag'], ['bag_q', 'bag_scale', 'bag_zero']),
  node('MatMulInteger', ['bag_q', 'head_q', 'bag_zero'], ['product']),
  node('Cast', ['product'], ['product_f'], { to: { int: DATA_TYPES.float32 } }),
  node('Mul', ['bag_scale', 'scale'], ['both']),
  node('Mul', ['product_f', 'both'], ['logits']),
];
