import {
  type OnnxInputs,
  onnxAttend,
  onnxEmbedding,
  onnxFutureScores,
  onnxInputs,
  onnxPaddingScores,
  onnxPerToken,
} from './onnx-blocks.ts';
import { OnnxBuilder, type Tensors } from './onnx-builder.ts';
import type { StudentShape } from './student.ts';

/** What decides the graph of a GPT-2. */
export interface Gpt2Graph
  extends Pick<StudentShape, 'layers' | 'hiddenSize' | 'heads' | 'classCount'> {
  readonly epsilon: number;
  /** The table of the decoder where it is not that of the words. */
  readonly decoder?: string;
}

/** The forward pass of `gpt2.ts` as an ONNX file, for any batch size and any length that it has positions for. */
export function gpt2Onnx(graph: Gpt2Graph, tensors: Tensors): Uint8Array {
  const { hiddenSize } = graph;
  const builder = new OnnxBuilder(tensors);
  const inputs = onnxInputs(builder);
  const mask = builder.add('Add', [
    onnxPaddingScores(builder, inputs),
    onnxFutureScores(builder, inputs),
  ]);
  const words = onnxEmbedding(builder, WORDS);
  const table = builder.weight('transformer.wpe.weight');
  const [first, axis] = [builder.ints([0]), builder.ints([0])];
  const places = builder.add('Slice', [table, first, inputs.sequence, axis]);
  let x = builder.reshape(builder.add('Add', [words, places]), builder.ints([-1, hiddenSize]));
  for (let index = 0; index < graph.layers; index++) {
    const layer = { prefix: `transformer.h.${index}`, mask, inputs, graph };
    const seen = attention(builder, norm(builder, x, `${layer.prefix}.ln_1`, graph), layer);
    x = builder.add('Add', [x, seen]);
    const wide = builder.product(
      norm(builder, x, `${layer.prefix}.ln_2`, graph),
      `${layer.prefix}.mlp.c_fc`,
    );
    const narrow = builder.product(
      builder.activate(wide, 'gelu_new'),
      `${layer.prefix}.mlp.c_proj`,
    );
    x = builder.add('Add', [x, narrow]);
  }
  const read = norm(builder, x, 'transformer.ln_f', graph);
  const logits = builder.tied(read, graph.decoder ?? WORDS);
  return builder.finish(onnxPerToken(builder, logits, inputs, graph), graph.classCount, 'token');
}

interface Layer {
  readonly prefix: string;
  readonly mask: string;
  readonly inputs: OnnxInputs;
  readonly graph: Gpt2Graph;
}

function attention(
  builder: OnnxBuilder,
  x: string,
  { prefix, mask, inputs, graph }: Layer,
): string {
  const { hiddenSize, heads } = graph;
  const headSize = hiddenSize / heads;
  const shape = builder.concat([inputs.batchShape, builder.ints([heads, headSize])], 0);
  const fused = builder.product(x, `${prefix}.attn.c_attn`);
  const [query = '', key = '', value = ''] = builder
    .split(fused, [hiddenSize, hiddenSize, hiddenSize], 1)
    .map((part) => builder.transpose(builder.reshape(part, shape), [0, 2, 1, 3]));
  const scale = 1 / Math.sqrt(headSize);
  const heard = onnxAttend(builder, { query, key, value }, { padding: mask, scale });
  const sideBySide = builder.transpose(heard, [0, 2, 1, 3]);
  const rows = builder.reshape(sideBySide, builder.ints([-1, hiddenSize]));
  return builder.product(rows, `${prefix}.attn.c_proj`);
}

function norm(builder: OnnxBuilder, x: string, name: string, { epsilon }: Gpt2Graph): string {
  return builder.layerNorm(x, name, { bias: true, epsilon });
}

const WORDS = 'transformer.wte.weight';
