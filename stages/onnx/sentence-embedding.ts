import type { GraphValue, ModelSkim } from './model-skim.ts';
import { UnsupportedTeacherError } from './surgery.ts';
import {
  DATA_TYPES,
  type GraphParts,
  graph,
  graphAppendix,
  int64Tensor,
  node,
  type ProtoMessage,
  tensor,
  valueInfo,
} from './wire.ts';

/** How one vector is made of a text: by the model itself, as the mean of its tokens, or that of the first token. */
export type Pooling = 'own' | 'mean' | 'first';

/** The output that a vector of each text is made from. */
export interface EmbeddingSource {
  readonly output: GraphValue;
  readonly pooling: Pooling;
}

/** A linear classifier on vectors of `width`. */
export interface LinearHead {
  /** [width, classCount] */
  readonly weights: Float32Array;
  /** [classCount] */
  readonly bias: Float32Array;
}

/** Name of the vectors, [batch, width], float32. */
export const EMBEDDING = 'decant_head/embedding';

/** Name of the logits of a fitted head, [batch, classCount], float32. */
export const LOGITS = 'logits';

/**
 * Which output of an encoder becomes the vector of a text: `sentence_embedding` where there is one, else its
 * token vectors, pooled as `pooling` says, else the pooler's output.
 */
export function embeddingSource(model: ModelSkim, pooling: 'mean' | 'first'): EmbeddingSource {
  const { outputs, opset, names } = model;
  const told = outputs.map(({ name, shape }) => `${name} [${shape?.join(', ') ?? '?'}]`).join(', ');
  if (opset < 11) {
    const fix = 'export it again with opset 17, or convert it with onnx.version_converter';
    throw new UnsupportedTeacherError(`opset ${opset} is older than 11`, fix);
  }
  if (names.has(LOGITS) || outputs.some(({ name }) => name === LOGITS)) {
    const fix = 'a classifier is named by teacher.model; embeddings is for encoders without a head';
    throw new UnsupportedTeacherError(`it has "${LOGITS}" already (outputs: ${told})`, fix);
  }
  const floating = outputs.filter(({ type }) => type !== undefined && FLOATING.has(type));
  const ofRank = (rank: number) => floating.filter(({ shape }) => shape?.length === rank);
  const named = (name: string) => floating.filter((output) => output.name === name);
  const [own] = named('sentence_embedding');
  if (own !== undefined) return { output: own, pooling: 'own' };
  const [tokens] = [...named('last_hidden_state'), ...named('token_embeddings'), ...ofRank(3)];
  if (tokens !== undefined) return { output: tokens, pooling };
  const [pooled] = [...named('pooler_output'), ...ofRank(2)];
  if (pooled !== undefined) return { output: pooled, pooling: 'own' };
  throw new UnsupportedTeacherError(
    `no output of it is a vector a token or a text (outputs: ${told || 'none'})`,
    'export the encoder as optimum-cli export onnx --task feature-extraction does: last_hidden_state out',
  );
}

/** Bytes to append to an encoder, so that it yields `EMBEDDING`, and with a head `LOGITS` too. */
export function embeddingAppendix(
  model: ModelSkim,
  { output, pooling }: EmbeddingSource,
  head?: LinearHead,
): Uint8Array {
  const build = new Parts();
  const wide = pooling === 'own' ? output.name : build.pooled(model, output.name, pooling);
  build.add('Cast', [wide], EMBEDDING, { to: { int: DATA_TYPES.float32 } });
  const batch = output.shape?.[0] ?? '';
  if (head !== undefined) {
    const classCount = head.bias.length;
    const width = head.weights.length / classCount;
    const weights = build.constant('weights', [width, classCount], head.weights);
    const product = build.add('MatMul', [EMBEDDING, weights]);
    build.add('Add', [product, build.constant('bias', [classCount], head.bias)], LOGITS);
    build.outputs.push(valueInfo(LOGITS, 'float32', [batch, classCount]));
  }
  build.outputs.push(valueInfo(EMBEDDING, 'float32', [batch, output.shape?.at(-1) ?? '']));
  return graphAppendix(graph(build));
}

/** Nodes and constants under names of their own. */
class Parts implements GraphParts {
  readonly nodes: ProtoMessage[] = [];
  readonly initializers: ProtoMessage[] = [];
  readonly outputs: ProtoMessage[] = [];

  /**
   * The mean over real tokens in float64, as matrix products: [batch, 1, tokens] x [batch, tokens, width].
   * A float32 sum would depend, in its last bits, on how much padding stands beside a row.
   */
  pooled(model: ModelSkim, hidden: string, pooling: 'mean' | 'first'): string {
    if (pooling === 'first') {
      const first = this.shape('first', [0]);
      return this.add('Gather', [hidden, first], undefined, { axis: { int: 1 } }, [0, -1]);
    }
    const mask = this.#mask(model);
    const asRow = this.add('Reshape', [mask, this.shape('row', [0, 1, -1])]);
    const asColumn = this.add('Reshape', [mask, this.shape('column', [0, -1, 1])]);
    const sum = this.add('MatMul', [asRow, this.#wide(hidden)]);
    // The mask is 0 or 1, so that its product with itself counts the tokens.
    const count = this.add('MatMul', [asRow, asColumn]);
    return this.add('Div', [sum, count], undefined, {}, [0, -1]);
  }

  /** Appends a node; with `reshape` its result in that shape. Returns the name of the result. */
  add(
    operator: string,
    inputs: readonly string[],
    name = `decant_head/v${this.nodes.length}`,
    attributes: Parameters<typeof node>[3] = {},
    reshape?: readonly number[],
  ): string {
    this.nodes.push(node(operator, inputs, [name], attributes));
    if (reshape === undefined) return name;
    return this.add('Reshape', [name, this.shape(`of_${this.nodes.length}`, reshape)]);
  }

  constant(label: string, dims: readonly number[], values: Float32Array): string {
    this.initializers.push(tensor(`decant_head/${label}`, 'float32', dims, values));
    return `decant_head/${label}`;
  }

  shape(label: string, values: readonly number[]): string {
    this.initializers.push(int64Tensor(`decant_head/${label}`, values));
    return `decant_head/${label}`;
  }

  /** 1 for each real token, [batch, tokens]; a model without a mask is given no padding. */
  #mask({ inputs }: ModelSkim): string {
    const mask = inputs.find(({ name }) => name === 'attention_mask')?.name;
    return this.#wide(mask ?? this.add('Equal', ['input_ids', 'input_ids']));
  }

  #wide(value: string): string {
    return this.add('Cast', [value], undefined, { to: { int: DATA_TYPES.float64 } });
  }
}

const FLOATING: ReadonlySet<string> = new Set(['float32', 'float16', 'float64']);
