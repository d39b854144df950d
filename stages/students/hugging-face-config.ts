import { NO_TOKEN, type StudentShape } from './student.ts';

/** config.json of ModernBertForSequenceClassification, ...ForTokenClassification or ...ForMaskedLM. */
export function modernBertConfig(
  shape: StudentShape,
  classNames: readonly string[],
): Record<string, unknown> {
  const { dropout } = shape;
  return {
    architectures: [`ModernBertFor${headOf(shape)}`],
    attention_bias: false,
    attention_dropout: dropout,
    bos_token_id: shape.clsTokenId,
    classifier_activation: 'gelu',
    classifier_bias: false, // of head.dense: the classifier itself always has one
    classifier_dropout: dropout,
    classifier_pooling: 'mean',
    cls_token_id: shape.clsTokenId,
    decoder_bias: true,
    deterministic_flash_attn: false,
    embedding_dropout: dropout,
    eos_token_id: shape.sepTokenId,
    global_attn_every_n_layers: 1,
    global_rope_theta: MODERNBERT_THETA,
    hidden_activation: 'gelu',
    hidden_size: shape.hiddenSize,
    ...ofClassifier(shape, { id2label: classById(classNames) }),
    // No initializer_cutoff_factor: transformers 5 takes only 2.0, which JSON.stringify writes as 2.
    initializer_range: 0.02,
    intermediate_size: shape.intermediateSize,
    ...ofClassifier(shape, { label2id: idByClass(classNames) }),
    local_attention: 128,
    local_rope_theta: 10_000,
    max_position_embeddings: shape.maxLength,
    mlp_bias: false,
    mlp_dropout: dropout,
    model_type: 'modernbert',
    norm_bias: false,
    norm_eps: MODERNBERT_EPSILON,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    pad_token_id: shape.padTokenId,
    reference_compile: false, // torch.compile costs more than a student's whole forward pass
    repad_logits_with_grad: false,
    sep_token_id: shape.sepTokenId,
    sparse_pred_ignore_index: -100,
    sparse_prediction: false,
    ...ofLanguageModel(shape),
    torch_dtype: 'float32',
    transformers_version: TRANSFORMERS_VERSION,
    vocab_size: shape.vocabularySize,
  };
}

/** config.json of BertForSequenceClassification, ...ForTokenClassification or ...ForMaskedLM. */
export function bertConfig(
  shape: StudentShape,
  classNames: readonly string[],
): Record<string, unknown> {
  return {
    architectures: [`BertFor${headOf(shape)}`],
    attention_probs_dropout_prob: shape.dropout,
    classifier_dropout: null, // null: as hidden_dropout_prob
    hidden_act: 'gelu',
    hidden_dropout_prob: shape.dropout,
    hidden_size: shape.hiddenSize,
    ...ofClassifier(shape, { id2label: classById(classNames) }),
    initializer_range: 0.02,
    intermediate_size: shape.intermediateSize,
    ...ofClassifier(shape, { label2id: idByClass(classNames) }),
    layer_norm_eps: BERT_EPSILON,
    max_position_embeddings: bertPositions(shape),
    model_type: 'bert',
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    pad_token_id: shape.padTokenId,
    position_embedding_type: 'absolute',
    ...ofLanguageModel(shape),
    torch_dtype: 'float32',
    transformers_version: TRANSFORMERS_VERSION,
    type_vocab_size: 2,
    use_cache: true,
    vocab_size: shape.vocabularySize,
  };
}

/** config.json of GPT2LMHeadModel. */
export function gpt2Config(shape: StudentShape): Record<string, unknown> {
  return {
    activation_function: 'gelu_new',
    architectures: ['GPT2LMHeadModel'],
    attn_pdrop: shape.dropout,
    bos_token_id: tokenOrNull(shape.clsTokenId),
    embd_pdrop: shape.dropout,
    eos_token_id: tokenOrNull(shape.sepTokenId),
    initializer_range: 0.02,
    layer_norm_epsilon: GPT2_EPSILON,
    model_type: 'gpt2',
    n_embd: shape.hiddenSize,
    n_head: shape.heads,
    n_inner: shape.intermediateSize,
    n_layer: shape.layers,
    n_positions: bertPositions(shape),
    pad_token_id: shape.padTokenId,
    reorder_and_upcast_attn: false,
    resid_pdrop: shape.dropout,
    scale_attn_by_inverse_layer_idx: false,
    scale_attn_weights: true,
    tie_word_embeddings: true,
    torch_dtype: 'float32',
    transformers_version: TRANSFORMERS_VERSION,
    use_cache: true,
    vocab_size: shape.vocabularySize,
  };
}

/** config.json of the bag of embeddings, which no Hugging Face class can load: the ONNX file is for use. */
export function bagConfig(
  shape: StudentShape,
  classNames: readonly string[],
): Record<string, unknown> {
  return {
    architectures: ['DecantBagForSequenceClassification'],
    cls_token_id: shape.clsTokenId,
    dropout: shape.dropout,
    hidden_act: 'relu',
    hidden_size: shape.hiddenSize,
    id2label: classById(classNames),
    intermediate_size: shape.intermediateSize,
    label2id: idByClass(classNames),
    max_position_embeddings: shape.maxLength,
    model_type: 'decant-bag',
    pad_token_id: shape.padTokenId,
    sep_token_id: shape.sepTokenId,
    torch_dtype: 'float32',
    vocab_size: shape.vocabularySize,
    ...tensorInputs(shape),
  };
}

/** config.json of the multi-layer perceptron, which no Hugging Face class can load either. */
export function mlpConfig(
  shape: StudentShape,
  classNames: readonly string[],
): Record<string, unknown> {
  return {
    architectures: ['DecantMlpForClassification'],
    dropout: shape.dropout,
    hidden_act: 'relu',
    hidden_size: shape.hiddenSize,
    id2label: classById(classNames),
    label2id: idByClass(classNames),
    model_type: MLP_TYPE,
    num_hidden_layers: shape.layers,
    torch_dtype: 'float32',
    ...tensorInputs(shape),
  };
}

/** config.json of the convolutions over word pieces, which no Hugging Face class can load either. */
export function textCnnConfig(
  shape: StudentShape,
  classNames: readonly string[],
): Record<string, unknown> {
  const { intermediate_size: _ofBag, ...like } = bagConfig(shape, classNames);
  return {
    ...like,
    architectures: ['DecantTextCnnForSequenceClassification'],
    filters: shape.filters ?? shape.hiddenSize,
    kernel_widths: shape.kernelWidths,
    model_type: 'decant-textcnn',
  };
}

/** config.json of the convolutions over images and sequences: the ONNX file is for use. */
export function cnnConfig(
  shape: StudentShape,
  classNames: readonly string[],
): Record<string, unknown> {
  return {
    ...mlpConfig(shape, classNames),
    architectures: ['DecantCnnForClassification'],
    channels: shape.channels ?? 'last',
    kernel_size: shape.kernelSize,
    pool_grid: shape.poolGrid,
    model_type: CNN_TYPE,
  };
}

/** Whether a student of this model_type reads tensors alone, and so has no tokenizer. */
export function readsTensorsAlone(modelType: string): boolean {
  return modelType === MLP_TYPE || modelType === CNN_TYPE;
}

/** Axes of the tensors that a student reads, without the batch. */
function tensorInputs({ features }: StudentShape): Record<string, unknown> {
  if (features === undefined) return {};
  return { tensor_inputs: Object.fromEntries(features.map(({ name, shape }) => [name, shape])) };
}

/** Rows of BERT's position table: batches are padded to multiples of 8, which may pass maxLength. */
export function bertPositions({ maxLength }: StudentShape): number {
  return Math.ceil(maxLength / 8) * 8;
}

function headOf({ perToken, languageModel }: StudentShape): string {
  if (languageModel !== undefined) return 'MaskedLM';
  return perToken ? 'TokenClassification' : 'SequenceClassification';
}

function tokenOrNull(tokenId: number): number | null {
  return tokenId === NO_TOKEN ? null : tokenId;
}

/** The classes of a language model are its vocabulary, which the tokenizer names. */
function ofClassifier({ languageModel }: StudentShape, labels: object): object {
  return languageModel === undefined ? labels : {};
}

function ofLanguageModel({ languageModel }: StudentShape): object {
  return languageModel === undefined ? {} : { tie_word_embeddings: true };
}

function classById(classNames: readonly string[]): Record<string, string> {
  return Object.fromEntries(classNames.map((name, id) => [String(id), name]));
}

function idByClass(classNames: readonly string[]): Record<string, number> {
  return Object.fromEntries(classNames.map((name, id) => [name, id]));
}

/** Base of the rotary frequencies, as in the global layers of the published ModernBERT. */
export const MODERNBERT_THETA = 160_000;

const MLP_TYPE = 'decant-mlp';
const CNN_TYPE = 'decant-cnn';

export const MODERNBERT_EPSILON = 1e-5;
export const BERT_EPSILON = 1e-12;
export const GPT2_EPSILON = 1e-5;

/** The release that the golden tensors were made with. */
const TRANSFORMERS_VERSION = '4.49.0';
