import { normal, randomFor } from '#stages/numerics/random.ts';
import type { NamedTensor } from '#stages/students/safetensors.ts';

/** A tiny model of Hugging Face with random weights: 60 pieces, 3 layers of width 16 with 4 heads, 3 classes. */
export interface SmallCheckpoint {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: readonly NamedTensor[];
}

export function smallCheckpoint(
  type: 'bert' | 'roberta' | 'distilbert',
  head: 'text' | 'token',
): SmallCheckpoint {
  const kind = head === 'text' ? 'SequenceClassification' : 'TokenClassification';
  const family = FAMILIES[type];
  const shapes = {
    [`${type}.embeddings.word_embeddings.weight`]: [60, 16],
    [`${type}.embeddings.position_embeddings.weight`]: [40, 16],
    ...(family.types === 0
      ? {}
      : { [`${type}.embeddings.token_type_embeddings.weight`]: [family.types, 16] }),
    ...norm(`${type}.embeddings.LayerNorm`),
    ...Object.assign(
      {},
      ...[0, 1, 2].map((index) => layer(family, `${type}.${family.layers}.${index}`)),
    ),
    ...(head === 'text'
      ? { ...dense(family.pooler, 16, 16), ...dense(family.classifier, 3, 16) }
      : dense('classifier', 3, 16)),
  };
  return {
    config: {
      model_type: type,
      architectures: [`${family.className}For${kind}`],
      id2label: { 0: 'a', 1: 'b', 2: 'c' },
      vocab_size: 60,
      pad_token_id: 1,
      ...(type === 'distilbert'
        ? { dim: 16, n_layers: 3, n_heads: 4 }
        : {
            hidden_size: 16,
            intermediate_size: 24,
            num_hidden_layers: 3,
            num_attention_heads: 4,
            type_vocab_size: family.types,
          }),
    },
    tensors: randomTensors(shapes),
  };
}

type Shapes = Readonly<Record<string, readonly number[]>>;

interface Family {
  readonly className: string;
  readonly layers: string;
  readonly types: number;
  readonly pooler: string;
  readonly classifier: string;
  /** query, key, value, attended, its norm, wide, narrow, its norm. */
  readonly parts: readonly [string, string, string, string, string, string, string, string];
}

const BERT_PARTS: Family['parts'] = [
  'attention.self.query',
  'attention.self.key',
  'attention.self.value',
  'attention.output.dense',
  'attention.output.LayerNorm',
  'intermediate.dense',
  'output.dense',
  'output.LayerNorm',
];

const FAMILIES: Readonly<Record<'bert' | 'roberta' | 'distilbert', Family>> = {
  bert: {
    className: 'Bert',
    layers: 'encoder.layer',
    types: 2,
    pooler: 'bert.pooler.dense',
    classifier: 'classifier',
    parts: BERT_PARTS,
  },
  roberta: {
    className: 'Roberta',
    layers: 'encoder.layer',
    types: 1,
    pooler: 'classifier.dense',
    classifier: 'classifier.out_proj',
    parts: BERT_PARTS,
  },
  distilbert: {
    className: 'DistilBert',
    layers: 'transformer.layer',
    types: 0,
    pooler: 'pre_classifier',
    classifier: 'classifier',
    parts: [
      'attention.q_lin',
      'attention.k_lin',
      'attention.v_lin',
      'attention.out_lin',
      'sa_layer_norm',
      'ffn.lin1',
      'ffn.lin2',
      'output_layer_norm',
    ],
  },
};

function layer({ parts }: Family, prefix: string): Shapes {
  const [query, key, value, attended, attendedNorm, wide, narrow, narrowNorm] = parts;
  return {
    ...dense(`${prefix}.${query}`, 16, 16),
    ...dense(`${prefix}.${key}`, 16, 16),
    ...dense(`${prefix}.${value}`, 16, 16),
    ...dense(`${prefix}.${attended}`, 16, 16),
    ...norm(`${prefix}.${attendedNorm}`),
    ...dense(`${prefix}.${wide}`, 24, 16),
    ...dense(`${prefix}.${narrow}`, 16, 24),
    ...norm(`${prefix}.${narrowNorm}`),
  };
}

function dense(name: string, out: number, into: number): Shapes {
  return { [`${name}.weight`]: [out, into], [`${name}.bias`]: [out] };
}

function norm(name: string): Shapes {
  return { [`${name}.weight`]: [16], [`${name}.bias`]: [16] };
}

function randomTensors(shapes: Shapes): NamedTensor[] {
  return Object.entries(shapes).map(([name, shape]) => {
    const random = randomFor(5, name);
    const size = shape.reduce((product, length) => product * length, 1);
    const around = shape.length === 1 && name.endsWith('weight') ? 1 : 0;
    const values = Float32Array.from({ length: size }, () => around + 0.4 * normal(random));
    return { name, shape, values };
  });
}
