import { transposed } from '#stages/onnx/constant-folding.ts';
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
import type { NamedTensor, StoredTensor } from '#stages/students/safetensors.ts';

/** Ways in which exporters write the products and norms of a BERT. */
export const graphForms = [
  'MatMul, parted norms, scaled queries',
  'Gemm by what is not turned',
  'DequantizeLinear by columns',
  'MatMulInteger of dynamic quantisation',
] as const;

export type GraphForm = (typeof graphForms)[number];

/**
 * The classifier of `smallCheckpoint('bert', 'text')` as an ONNX file whose constants and values have
 * numbers for names. `exact`: the weights are stored as they are.
 */
export function namelessBert(
  tensors: readonly NamedTensor[],
  form: GraphForm,
): { readonly model: Uint8Array; readonly exact: boolean } {
  const builder = new NamelessGraph(new Map(tensors.map((one) => [one.name, one])), form);
  const words = builder.add('Gather', [
    builder.weight('bert.embeddings.word_embeddings.weight'),
    'input_ids',
  ]);
  const types = builder.add('Gather', [
    builder.weight('bert.embeddings.token_type_embeddings.weight'),
    'token_type_ids',
  ]);
  const places = builder.add('Slice', [
    builder.weight('bert.embeddings.position_embeddings.weight'),
    builder.ints([0]),
    builder.add('Shape', ['input_ids']),
  ]);
  const sum = builder.add('Add', [builder.add('Add', [words, types]), places]);
  let x = builder.norm(sum, 'bert.embeddings.LayerNorm');
  for (const index of [0, 1, 2]) x = layer(builder, x, `bert.encoder.layer.${index}`);
  const first = builder.add('Gather', [x, builder.ints([0])]);
  const pooled = builder.add('Tanh', [builder.linear(first, 'bert.pooler.dense')]);
  return {
    model: builder.finish(builder.linear(pooled, 'classifier')),
    exact: !builder.isQuantized,
  };
}

function layer(builder: NamelessGraph, x: string, prefix: string): string {
  const heads = (name: string) => {
    const projected = builder.linear(x, `${prefix}.attention.self.${name}`);
    const shape = builder.add('Concat', [builder.add('Shape', [projected]), builder.ints([4])]);
    return builder.add('Transpose', [builder.add('Reshape', [projected, shape])]);
  };
  const [key, value, query] = [heads('key'), heads('value'), heads('query')];
  const scaled = builder.add('Mul', [query, builder.add('Sqrt', [builder.floats([0.5])])]);
  const scores = builder.add('MatMul', [scaled, builder.add('Transpose', [key])]);
  const mask = builder.add('Cast', ['attention_mask']);
  const weights = builder.add('Softmax', [builder.add('Add', [mask, scores])]);
  const guarded = builder.add('Where', [
    builder.add('IsNaN', [weights]),
    builder.floats([0]),
    weights,
  ]);
  const context = builder.add('Transpose', [builder.add('MatMul', [guarded, value])]);
  const rows = builder.add('Reshape', [context, builder.ints([-1, 16])]);
  const attended = builder.linear(rows, `${prefix}.attention.output.dense`);
  const y = builder.norm(builder.add('Add', [attended, x]), `${prefix}.attention.output.LayerNorm`);
  const wide = builder.linear(y, `${prefix}.intermediate.dense`);
  const narrow = builder.linear(builder.add('Gelu', [wide]), `${prefix}.output.dense`);
  return builder.norm(builder.add('Add', [narrow, y]), `${prefix}.output.LayerNorm`);
}

class NamelessGraph {
  readonly #tensors: ReadonlyMap<string, NamedTensor>;
  readonly #form: GraphForm;
  readonly #nodes: ProtoMessage[] = [];
  readonly #constants: ProtoMessage[] = [];

  constructor(tensors: ReadonlyMap<string, NamedTensor>, form: GraphForm) {
    this.#tensors = tensors;
    this.#form = form;
  }

  get isQuantized(): boolean {
    return this.#form.startsWith('Dequantize') || this.#form.startsWith('MatMulInteger');
  }

  add(operator: string, inputs: readonly string[], attributes?: Record<string, Attribute>): string {
    const output = `v${this.#nodes.length}`;
    this.#nodes.push(node(operator, inputs, [output], attributes));
    return output;
  }

  weight(name: string): string {
    return this.#constant(this.#of(name));
  }

  ints(values: readonly number[]): string {
    return this.#keep((name) => int64Tensor(name, values));
  }

  floats(values: readonly number[]): string {
    return this.#constant({ shape: [values.length], values: Float32Array.from(values) });
  }

  linear(x: string, name: string): string {
    const weight = this.#of(`${name}.weight`);
    const bias = this.weight(`${name}.bias`);
    switch (this.#form) {
      case 'Gemm by what is not turned':
        return this.add('Gemm', [x, this.#constant(transposed(weight)), bias]);
      case 'MatMul, parted norms, scaled queries':
        return this.add('Add', [bias, this.add('MatMul', [x, this.#constant(transposed(weight))])]);
      case 'DequantizeLinear by columns': {
        const { bytes, scales } = quantized(transposed(weight), true);
        const inputs = [this.#bytes(bytes), this.floats(scales), this.#bytes(zeros(scales.length))];
        const restored = this.add('DequantizeLinear', inputs, { axis: { int: 1 } });
        return this.add('Add', [this.add('MatMul', [x, restored]), bias]);
      }
      case 'MatMulInteger of dynamic quantisation': {
        const { bytes, scales } = quantized(transposed(weight), false);
        const [small, scale] = [this.add('DynamicQuantizeLinear', [x]), this.floats(scales)];
        const product = this.add('MatMulInteger', [
          small,
          this.#bytes(bytes),
          '',
          this.#bytes(zeros(1)),
        ]);
        const factor = this.add('Mul', [`${small}_scale`, scale]);
        const restored = this.add('Mul', [this.add('Cast', [product]), factor]);
        return this.add('Add', [restored, bias]);
      }
      default:
        return this.#form satisfies never;
    }
  }

  norm(x: string, name: string): string {
    const [gain, bias] = [this.weight(`${name}.weight`), this.weight(`${name}.bias`)];
    if (!this.#form.includes('parted norms'))
      return this.add('LayerNormalization', [x, gain, bias]);
    const centred = this.add('Sub', [x, this.add('ReduceMean', [x])]);
    const square = this.add('Pow', [centred, this.floats([2])]);
    const variance = this.add('Add', [this.add('ReduceMean', [square]), this.floats([1e-12])]);
    const normal = this.add('Div', [centred, this.add('Sqrt', [variance])]);
    return this.add('Add', [this.add('Mul', [normal, gain]), bias]);
  }

  finish(logits: string): Uint8Array {
    this.#nodes.push(node('Identity', [logits], ['logits']));
    const inputs = ['input_ids', 'attention_mask', 'token_type_ids'];
    return model(
      graph({
        name: 'nameless',
        nodes: this.#nodes,
        initializers: this.#constants,
        inputs: inputs.map((name) => valueInfo(name, 'int64', ['batch', 'sequence'])),
        outputs: [valueInfo('logits', 'float32', ['batch', 3])],
      }),
    );
  }

  #of(name: string): NamedTensor {
    const found = this.#tensors.get(name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    return found;
  }

  #constant({ shape, values }: StoredTensor): string {
    return this.#keep((name) => tensor(name, 'float32', shape, values));
  }

  #bytes({ shape, values }: { shape: readonly number[]; values: Int8Array }): string {
    return this.#keep((name) => tensor(name, 'int8', shape, values));
  }

  #keep(make: (name: string) => ProtoMessage): string {
    const name = `c${this.#constants.length}`;
    this.#constants.push(make(name));
    return name;
  }
}

/** int8 numbers and what each column, or all, are multiplied by. */
function quantized({ shape, values }: StoredTensor, byColumn: boolean) {
  const columns = shape[1] ?? 1;
  const groupOf = (place: number) => (byColumn ? place % columns : 0);
  const scales = Array.from({ length: byColumn ? columns : 1 }, () => 1e-9);
  for (const [place, value] of values.entries()) {
    const group = groupOf(place);
    scales[group] = Math.max(scales[group] ?? 0, Math.abs(value) / 127);
  }
  const bytes = Int8Array.from(values, (value, place) =>
    Math.round(value / (scales[groupOf(place)] ?? 1)),
  );
  return { bytes: { shape, values: bytes }, scales };
}

function zeros(length: number) {
  return { shape: [length], values: new Int8Array(length) };
}
