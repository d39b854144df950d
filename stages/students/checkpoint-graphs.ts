import { BERT_NAMES, type BertGraph, type BertNames, bertNames, bertOnnx } from './bert-onnx.ts';
import {
  type BertConfig,
  checkpointConfig,
  type DistilBertConfig,
  type Gpt2Config,
  type ModernBertConfig,
} from './checkpoint-config.ts';
import { type Gpt2Graph, gpt2Onnx } from './gpt2-onnx.ts';
import {
  type LayerKind,
  MODERNBERT_DECODER,
  type ModernBertGraph,
  modernBertOnnx,
} from './modernbert-onnx.ts';
import type { Tensors } from './onnx-builder.ts';
import { withModelName } from './stored-names.ts';

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
  const parsed = checkpointConfig.parse(config);
  switch (parsed.model_type) {
    case 'bert':
      return bertFamily(bertGraph(parsed), parsed.vocab_size);
    case 'gpt2': {
      const graph = gpt2Graph(parsed);
      return {
        words: 'transformer.wte.weight',
        vocabularySize: parsed.vocab_size,
        classCount: graph.classCount,
        onnx: (tensors) => gpt2Onnx(graph, withModelName(tensors, 'gpt2')),
      };
    }
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
    headActivation: headOf(config) === 'vocabulary' ? config.hidden_act : 'tanh',
    paddingPosition: undefined,
  };
}

function robertaGraph(config: BertConfig): BertGraph {
  return {
    ...commonGraph(config, headOf(config) === 'token' ? ROBERTA_TOKEN_NAMES : ROBERTA_NAMES),
    headActivation: headOf(config) === 'vocabulary' ? 'gelu' : 'tanh', // written into its code
    paddingPosition: config.pad_token_id ?? 1,
  };
}

function commonGraph(
  config: BertConfig,
  names: BertNames,
): Omit<BertGraph, 'headActivation' | 'paddingPosition'> {
  return {
    names: withDecoder(names, config),
    layers: config.num_hidden_layers,
    hiddenSize: config.hidden_size,
    heads: config.num_attention_heads,
    classCount: classesOf(config),
    epsilon: config.layer_norm_eps,
    activation: config.hidden_act,
    head: headOf(config),
    tokenTypes: config.type_vocab_size > 1 ? 'input' : 'first',
  };
}

function distilBertGraph(config: DistilBertConfig): BertGraph {
  return {
    names: withDecoder(DISTILBERT_NAMES, config),
    layers: config.n_layers,
    hiddenSize: config.dim,
    heads: config.n_heads,
    classCount: classesOf(config),
    epsilon: 1e-12, // written into its code
    activation: config.activation,
    head: headOf(config),
    headActivation: headOf(config) === 'vocabulary' ? config.activation : 'relu',
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
    classCount: classesOf(config),
    epsilon: config.norm_eps,
    activation: config.hidden_activation,
    headActivation: config.classifier_activation,
    pooling: headOf(config) === 'text' ? config.classifier_pooling : 'none',
    decoder: headOf(config) !== 'vocabulary' ? 'classifier' : decoderOf(config),
    biases: {
      attention: config.attention_bias,
      mlp: config.mlp_bias,
      norm: config.norm_bias,
      head: config.classifier_bias,
    },
  };
}

function gpt2Graph(config: Gpt2Config): Gpt2Graph {
  return {
    layers: config.n_layer,
    hiddenSize: config.n_embd,
    heads: config.n_head,
    classCount: config.vocab_size,
    epsilon: config.layer_norm_epsilon,
    ...(!config.tie_word_embeddings && { decoder: 'lm_head.weight' }),
  };
}

function headOf({ architectures = [] }: { readonly architectures?: string[] | undefined }) {
  const [name = ''] = architectures;
  if (name.endsWith('ForMaskedLM')) return 'vocabulary';
  return name.endsWith('ForTokenClassification') ? 'token' : 'text';
}

/** What a model answers with: its labels, or every word of its vocabulary. */
function classesOf(config: BertConfig | DistilBertConfig | ModernBertConfig): number {
  return headOf(config) === 'vocabulary' ? config.vocab_size : config.id2label;
}

/** Names with the decoder that a language model has: the words, or a table of its own. */
function withDecoder(names: BertNames, config: BertConfig | DistilBertConfig): BertNames {
  if (config.tie_word_embeddings) return names;
  return { ...names, decoder: { ...names.decoder, words: names.decoder.own } };
}

function decoderOf({ tie_word_embeddings, decoder_bias }: ModernBertConfig) {
  return {
    words: tie_word_embeddings ? MODERNBERT_DECODER.words : 'decoder.weight',
    ...(decoder_bias && { bias: MODERNBERT_DECODER.bias }),
  };
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
  headDense: 'classifier.dense',
  classifier: 'classifier.out_proj',
  decoder: {
    words: 'roberta.embeddings.word_embeddings.weight',
    own: 'lm_head.decoder.weight',
    dense: 'lm_head.dense',
    norm: 'lm_head.layer_norm',
    bias: 'lm_head.bias',
  },
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
  decoder: {
    words: 'distilbert.embeddings.word_embeddings.weight',
    own: 'vocab_projector.weight',
    dense: 'vocab_transform',
    norm: 'vocab_layer_norm',
    bias: 'vocab_projector.bias',
  },
};
