import {
  type Attribute,
  graph,
  int64Tensor,
  model,
  node,
  type ProtoMessage,
  tensor,
  valueInfo,
} from '#stages/onnx/wire.ts';
import type { NamedTensor, StoredTensor } from './safetensors.ts';
import type { ParameterSpec, TaskHead } from './student.ts';
import { headOutput, headParameters, headsAmong, namesOf, OWN } from './task-heads.ts';

/**
 * Collects nodes and weights of a classifier's graph. Each method adds what it is named after and
 * returns the name of its output; weights keep their Hugging Face names and layout.
 */
export class OnnxBuilder {
  readonly #tensors: Tensors;
  readonly #furtherInputs: string[] = [];
  readonly #features: ProtoMessage[] = [];
  readonly #nodes: ProtoMessage[] = [];
  readonly #initializers = new Map<string, ProtoMessage>();
  /** What the classifier reads, and further heads with it. */
  #classified: string | undefined;

  constructor(tensors: Tensors) {
    this.#tensors = tensors;
  }

  /** An int64 input [batch, sequence] besides input_ids and attention_mask. */
  input(name: string): string {
    this.#furtherInputs.push(name);
    return name;
  }

  /** A float32 input [batch, ...shape]. */
  featureInput(name: string, shape: readonly number[]): string {
    this.#features.push(valueInfo(name, 'float32', ['batch', ...shape]));
    return name;
  }

  /** Any operator with one output. */
  add(operator: string, inputs: readonly string[], attributes?: Attributes): string {
    return this.addMany(operator, inputs, 1, attributes)[0] as string;
  }

  /** Any operator with several outputs. */
  addMany(
    operator: string,
    inputs: readonly string[],
    outputCount: number,
    attributes?: Attributes,
  ): string[] {
    const stem = `${operator.toLowerCase()}_${this.#nodes.length}`;
    const outputs = Array.from({ length: outputCount }, (_, index) => `${stem}_${index}`);
    this.#nodes.push(node(operator, inputs, outputs, attributes, stem));
    return outputs;
  }

  /** A parameter of the classifier. */
  weight(name: string): string {
    const found = this.#tensors.get(name);
    if (found === undefined) throw new MissingParameterError(name);
    this.#initializers.set(name, tensor(name, 'float32', found.shape, found.values));
    return name;
  }

  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const name = `floats_${shape.join('x')}_${values.join('_')}`;
    return this.#constant(name, tensor(name, 'float32', shape, Float32Array.from(values)));
  }

  scalar(value: number): string {
    return this.floats([value], []);
  }

  /** int64: shapes, axes and indices. */
  ints(values: readonly number[]): string {
    const name = `ints_${values.join('_')}`;
    return this.#constant(name, int64Tensor(name, values));
  }

  /** x W^T + b of rows [rows, in]; Gemm takes W as Hugging Face stores it. */
  linear(x: string, name: string, options: { readonly bias: boolean }): string {
    const inputs = [x, this.weight(`${name}.weight`)];
    if (options.bias) inputs.push(this.weight(`${name}.bias`));
    if (inputs.includes(OWN.weight)) this.#classified = x;
    return this.add('Gemm', inputs, { transB: { int: 1 } });
  }

  /** x W + b of rows [rows, in], with W as GPT-2 stores it: [in, out]. */
  product(x: string, name: string): string {
    return this.add('Gemm', [x, this.weight(`${name}.weight`), this.weight(`${name}.bias`)]);
  }

  /** x E^T, and b where there is one, with a table of embeddings as decoder. */
  tied(x: string, table: string, bias?: string): string {
    const inputs = [x, this.weight(table), ...(bias === undefined ? [] : [this.weight(bias)])];
    return this.add('Gemm', inputs, { transB: { int: 1 } });
  }

  layerNorm(
    x: string,
    name: string,
    options: { readonly bias: boolean; readonly epsilon: number },
  ): string {
    const inputs = [x, this.weight(`${name}.weight`)];
    if (options.bias) inputs.push(this.weight(`${name}.bias`));
    return this.add('LayerNormalization', inputs, {
      axis: { int: -1 },
      epsilon: { float: options.epsilon },
    });
  }

  /** Opset 17 has no Gelu; ONNX Runtime knows this form and runs it as one kernel. */
  gelu(x: string): string {
    const erf = this.add('Erf', [this.add('Div', [x, this.scalar(Math.SQRT2)])]);
    const twiceCdf = this.add('Add', [erf, this.scalar(1)]);
    return this.add('Mul', [this.add('Mul', [x, twiceCdf]), this.scalar(0.5)]);
  }

  /** An activation by the name that Hugging Face gives it. */
  activate(x: string, activation: Activation): string {
    switch (activation) {
      case 'gelu':
        return this.gelu(x);
      case 'gelu_new':
        return this.#tanhGelu(x);
      case 'relu':
        return this.add('Relu', [x]);
      case 'tanh':
        return this.add('Tanh', [x]);
      default:
        return activation satisfies never;
    }
  }

  /** 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
  #tanhGelu(x: string): string {
    const cube = this.add('Mul', [this.add('Mul', [x, x]), x]);
    const inner = this.add('Add', [x, this.add('Mul', [cube, this.scalar(0.044715)])]);
    const scaled = this.add('Mul', [inner, this.scalar(Math.sqrt(2 / Math.PI))]);
    const twiceCdf = this.add('Add', [this.add('Tanh', [scaled]), this.scalar(1)]);
    return this.add('Mul', [this.add('Mul', [x, twiceCdf]), this.scalar(0.5)]);
  }

  reshape(x: string, shape: string): string {
    return this.add('Reshape', [x, shape]);
  }

  transpose(x: string, order: readonly number[]): string {
    return this.add('Transpose', [x], { perm: { ints: order } });
  }

  split(x: string, sizes: readonly number[], axis: number): string[] {
    return this.addMany('Split', [x, this.ints(sizes)], sizes.length, { axis: { int: axis } });
  }

  concat(parts: readonly string[], axis: number): string {
    return this.add('Concat', parts, { axis: { int: axis } });
  }

  /**
   * The whole file: input_ids and attention_mask (of texts) and all added inputs in, `logits` out, of the
   * text or row, or of each token.
   */
  finish(
    logits: string,
    classCount: number,
    head: 'text' | 'token' | 'tensors' = 'text',
  ): Uint8Array {
    this.#nodes.push(node('Identity', [logits], ['logits']));
    const furtherLogits = this.#furtherLogits();
    const batch = ['batch', 'sequence'];
    const answered = head === 'token' ? batch : ['batch'];
    const ofText = head === 'tensors' ? [] : ['input_ids', 'attention_mask'];
    return model(
      graph({
        name: 'student',
        nodes: this.#nodes,
        initializers: [...this.#initializers.values()],
        inputs: [
          ...[...ofText, ...this.#furtherInputs].map((name) => valueInfo(name, 'int64', batch)),
          ...this.#features,
        ],
        outputs: [valueInfo('logits', 'float32', [...answered, classCount]), ...furtherLogits],
      }),
    );
  }

  /** An output a further head that the weights have. */
  #furtherLogits(): ProtoMessage[] {
    return headsAmong(this.#tensors.keys()).map((head) => {
      if (this.#classified === undefined) throw new Error('the graph has no classifier');
      const { weight, bias } = namesOf(head);
      const inputs = [this.#classified, this.weight(weight), this.weight(bias)];
      const logits = this.add('Gemm', inputs, { transB: { int: 1 } });
      this.#nodes.push(node('Identity', [logits], [headOutput(head)]));
      const classCount = this.#tensors.get(bias)?.shape[0] ?? '';
      return valueInfo(headOutput(head), 'float32', ['batch', classCount]);
    });
  }

  #constant(name: string, value: ProtoMessage): string {
    this.#initializers.set(name, value);
    return name;
  }
}

/** The graph asks for a parameter that the weights do not have. */
export class MissingParameterError extends Error {
  readonly parameter: string;

  constructor(parameter: string) {
    super(`the weights have no parameter "${parameter}"`);
    this.parameter = parameter;
  }
}

/** Parameters by their Hugging Face names. */
export type Tensors = ReadonlyMap<string, StoredTensor>;

/** Activations of encoders and their heads; gelu_new is the tanh approximation. */
export type Activation = 'gelu' | 'gelu_new' | 'relu' | 'tanh';

/** A student's weights with the shapes of its parameters, those of further heads among them. */
export function tensorsOf(
  specs: readonly ParameterSpec[],
  weights: ReadonlyMap<string, Float32Array>,
  heads?: readonly TaskHead[],
): Tensors {
  const tensors = [...specs, ...headParameters(specs, heads)].flatMap(
    ({ name, shape }): NamedTensor[] => {
      const values = weights.get(name);
      return values === undefined ? [] : [{ name, shape, values }];
    },
  );
  return new Map(tensors.map((one) => [one.name, one]));
}

type Attributes = Readonly<Record<string, Attribute>>;
