import { z } from 'zod';
import { BERT_NAMES, type BertGraph, type BertNames, bertNames, bertOnnx } from './bert-onnx.ts';
import { type LayerKind, type ModernBertGraph, modernBertOnnx } from './modernbert-onnx.ts';
import type { Tensors } from './onnx-builder.ts';

/** Turns the weights of one checkpoint into an ONNX file. */
export interface CheckpointGraph {
  /** The table of words, whose rows are the vocabulary. */
  readonly words: string;
  readonly vocabularySize: number;
  readonly classCount: number;
  onnx(tensors: Tensors): Uint8Array;
}

/** Reads a config.json of Hugging Face; throws a ZodError on what our graphs do not have. */
export function checkpointGraph(config: unknown): CheckpointGraph {
  const parsed = configSchema.parse(config);
  switch (parsed.model_type) {
    case 'bert':
      return bertFamily(bertGraph(parsed), parsed.vocab_size);
    case 'roberta':
      return bertFamily(robertaGraph(parsed), parsed.vocab_size);
    case 'distilbert':
      return bertFamily(distilBertGraph(parsed), parsed.vocab_size);
    case 'modernbert': {
      const graph = modernBertGraph(parsed);
      return {
        words: 'model.embeddings.tok_embeddings.weight',
        vocabularySize: parsed.vocab_size,
        classCount: graph.classCount,
        onnx: (tensors) => modernBertOnnx(graph, tensors),
      };
    }
    default:
      return parsed satisfies never;
  }
}

function bertFamily(graph: BertGraph, vocabularySize: number): CheckpointGraph {
  return {
    words: `${graph.names.embeddings}.word_embeddings.weight`,
    vocabularySize,
    classCount: graph.classCount,
    onnx: (tensors) => bertOnnx(graph, tensors),
  };
}

function bertGraph(config: BertConfig): BertGraph {
  return {
    ...commonGraph(config, BERT_NAMES),
    headActivation: 'tanh',
    paddingPosition: undefined,
  };
}

function robertaGraph(config: BertConfig): BertGraph {
  return {
    ...commonGraph(config, headOf(config) === 'token' ? ROBERTA_TOKEN_NAMES : ROBERTA_NAMES),
    headActivation: 'tanh',
    paddingPosition: config.pad_token_id ?? 1,
  };
}

function commonGraph(
  config: BertConfig,
  names: BertNames,
): Omit<BertGraph, 'headActivation' | 'paddingPosition'> {
  return {
    names,
    layers: config.num_hidden_layers,
    hiddenSize: config.hidden_size,
    heads: config.num_attention_heads,
    classCount: config.id2label,
    epsilon: config.layer_norm_eps,
    activation: config.hidden_act,
    head: headOf(config),
    tokenTypes: config.type_vocab_size > 1 ? 'input' : 'first',
  };
}

function distilBertGraph(config: DistilBertConfig): BertGraph {
  return {
    names: DISTILBERT_NAMES,
    layers: config.n_layers,
    hiddenSize: config.dim,
    heads: config.n_heads,
    classCount: config.id2label,
    epsilon: 1e-12, // written into its code
    activation: config.activation,
    head: headOf(config),
    headActivation: 'relu',
    tokenTypes: 'none',
    paddingPosition: undefined,
  };
}

function modernBertGraph(config: ModernBertConfig): ModernBertGraph {
  return {
    layers: layerKinds(config),
    hiddenSize: config.hidden_size,
    heads: config.num_attention_heads,
    intermediateSize: config.intermediate_size,
    classCount: config.id2label,
    epsilon: config.norm_eps,
    activation: config.hidden_activation,
    headActivation: config.classifier_activation,
    pooling: headOf(config) === 'token' ? 'none' : config.classifier_pooling,
    decoder: 'classifier',
    biases: {
      attention: config.attention_bias,
      mlp: config.mlp_bias,
      norm: config.norm_bias,
      head: config.classifier_bias,
    },
  };
}

function headOf({ architectures = [] }: { readonly architectures?: string[] | undefined }) {
  return architectures[0]?.endsWith('ForTokenClassification') ? 'token' : 'text';
}

/** transformers 5 writes layer_types and rope_parameters, earlier ones the numbers that they come from. */
function layerKinds(config: ModernBertConfig): LayerKind[] {
  const { rope_parameters: rope, global_rope_theta: everywhere } = config;
  const global = rope?.full_attention.rope_theta ?? everywhere;
  const local = rope?.sliding_attention.rope_theta ?? config.local_rope_theta ?? everywhere;
  return Array.from({ length: config.num_hidden_layers }, (_, index) => {
    const type = config.layer_types?.[index];
    const isGlobal =
      type === undefined
        ? index % config.global_attn_every_n_layers === 0
        : type === 'full_attention';
    return isGlobal
      ? { theta: global, reach: undefined }
      : { theta: local, reach: Math.floor(config.local_attention / 2) };
  });
}

export const ROBERTA_NAMES = bertNames('roberta', {
  dense: 'classifier.dense',
  classifier: 'classifier.out_proj',
});

const ROBERTA_TOKEN_NAMES: BertNames = { ...ROBERTA_NAMES, classifier: 'classifier' };

export const DISTILBERT_NAMES: BertNames = {
  embeddings: 'distilbert.embeddings',
  layer: (index) => `distilbert.transformer.layer.${index}`,
  query: 'attention.q_lin',
  key: 'attention.k_lin',
  value: 'attention.v_lin',
  attended: 'attention.out_lin',
  attendedNorm: 'sa_layer_norm',
  wide: 'ffn.lin1',
  narrow: 'ffn.lin2',
  narrowNorm: 'output_layer_norm',
  headDense: 'pre_classifier',
  classifier: 'classifier',
};

const size = z.int().positive();

const activation = z
  .enum(['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu'])
  .transform((name) => (name === 'gelu_pytorch_tanh' ? 'gelu_new' : name));

const KNOWN_HEAD = /For(Sequence|Token)Classification$/;

const classifier = {
  architectures: z
    .array(z.string())
    .optional()
    .refine((names) => names?.every((name) => KNOWN_HEAD.test(name)) ?? true, {
      error: 'it is no ...ForSequenceClassification or ...ForTokenClassification',
    }),
  /** Number of classes; Hugging Face leaves id2label out where it is its default of two. */
  id2label: z
    .record(z.string(), z.string())
    .default({ 0: 'LABEL_0', 1: 'LABEL_1' })
    .transform((labels) => Object.keys(labels).length),
};

const bertFields = {
  ...classifier,
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  type_vocab_size: size.default(2),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: activation.default('gelu'),
  position_embedding_type: z.literal('absolute').optional(),
  pad_token_id: z.int().nonnegative().nullish(),
};

const bertConfig = z.object({ model_type: z.literal('bert'), ...bertFields });

const robertaConfig = z.object({ model_type: z.literal('roberta'), ...bertFields });

const distilBertConfig = z.object({
  model_type: z.literal('distilbert'),
  ...classifier,
  vocab_size: size,
  dim: size,
  n_layers: size,
  n_heads: size,
  activation: activation.default('gelu'),
});

const rope = z.object({ rope_theta: z.number().positive(), rope_type: z.literal('default') });

const modernBertConfig = z.object({
  model_type: z.literal('modernbert'),
  ...classifier,
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  norm_eps: z.number().positive().default(1e-5),
  norm_bias: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  classifier_bias: z.boolean().default(false),
  classifier_pooling: z.enum(['cls', 'mean']).default('cls'),
  hidden_activation: activation.default('gelu'),
  classifier_activation: activation.default('gelu'),
  global_attn_every_n_layers: size.default(3),
  local_attention: size.default(128),
  global_rope_theta: z.number().positive().default(160_000),
  local_rope_theta: z.number().positive().nullable().default(10_000),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  rope_parameters: z.object({ full_attention: rope, sliding_attention: rope }).nullish(),
});

const configSchema = z.discriminatedUnion('model_type', [
  bertConfig,
  robertaConfig,
  distilBertConfig,
  modernBertConfig,
]);

type BertConfig = z.infer<typeof bertConfig> | z.infer<typeof robertaConfig>;
type DistilBertConfig = z.infer<typeof distilBertConfig>;
type ModernBertConfig = z.infer<typeof modernBertConfig>;
