import { z } from 'zod';

const size = z.int().positive();

const activation = z
  .enum(['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'relu'])
  .transform((name) => (name === 'gelu_pytorch_tanh' ? 'gelu_new' : name));

const KNOWN_HEAD = /For(SequenceClassification|TokenClassification|MaskedLM)$/;

const head = {
  architectures: z
    .array(z.string())
    .optional()
    .refine((names) => names?.every((name) => KNOWN_HEAD.test(name)) ?? true, {
      error: 'it is no ...ForSequenceClassification, ...ForTokenClassification or ...ForMaskedLM',
    }),
  /** Number of classes; Hugging Face leaves id2label out where it is its default of two. */
  id2label: z
    .record(z.string(), z.string())
    .default({ 0: 'LABEL_0', 1: 'LABEL_1' })
    .transform((labels) => Object.keys(labels).length),
  /** Of a language model: whether its decoder is the table of words. */
  tie_word_embeddings: z.boolean().default(true),
};

const bertFields = {
  ...head,
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
  ...head,
  vocab_size: size,
  dim: size,
  n_layers: size,
  n_heads: size,
  activation: activation.default('gelu'),
});

const rope = z.object({ rope_theta: z.number().positive(), rope_type: z.literal('default') });

const modernBertConfig = z.object({
  model_type: z.literal('modernbert'),
  ...head,
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
  decoder_bias: z.boolean().default(true),
  global_attn_every_n_layers: size.default(3),
  local_attention: size.default(128),
  global_rope_theta: z.number().positive().default(160_000),
  local_rope_theta: z.number().positive().nullable().default(10_000),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
  rope_parameters: z.object({ full_attention: rope, sliding_attention: rope }).nullish(),
});

const gpt2Config = z.object({
  model_type: z.literal('gpt2'),
  architectures: z
    .array(z.string())
    .optional()
    .refine((names) => names?.every((name) => name === 'GPT2LMHeadModel') ?? true, {
      error: 'it is no GPT2LMHeadModel',
    }),
  vocab_size: size,
  n_embd: size,
  n_layer: size,
  n_head: size,
  layer_norm_epsilon: z.number().positive().default(1e-5),
  activation_function: z.literal('gelu_new').default('gelu_new'),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(true),
});

/** What config.json of Hugging Face says of the models that our graphs have. */
export const checkpointConfig = z.discriminatedUnion('model_type', [
  bertConfig,
  robertaConfig,
  distilBertConfig,
  modernBertConfig,
  gpt2Config,
]);

export type BertConfig = z.infer<typeof bertConfig> | z.infer<typeof robertaConfig>;
export type DistilBertConfig = z.infer<typeof distilBertConfig>;
export type ModernBertConfig = z.infer<typeof modernBertConfig>;
export type Gpt2Config = z.infer<typeof gpt2Config>;
