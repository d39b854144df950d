import { BERT_NAMES, type BertNames } from './bert-onnx.ts';
import { DISTILBERT_NAMES, ROBERTA_NAMES } from './checkpoint-graphs.ts';
import type { LazyTensor } from './origin.ts';

/** Which model the tensors are of. */
export interface OriginFamily {
  readonly type: 'bert' | 'roberta' | 'distilbert' | 'modernbert' | 'gpt2';
  /** Id of padding: RoBERTa counts positions from the one behind it. */
  readonly padding: number;
}

/**
 * The tensors of a model of BERT's kind by BERT's names. Positions begin at the first token, token types
 * are two (students only use the first), and the dense layer of DistilBERT's head, which ends in a relu, is
 * left out.
 */
export function asBert(
  tensors: ReadonlyMap<string, LazyTensor>,
  { type, padding }: OriginFamily,
): Map<string, LazyTensor> {
  const names = namesOf(type);
  const renamed = new Map<string, LazyTensor>();
  for (const [name, tensor] of tensors) {
    const ours = bertName(withPrefix(name, names), names);
    const isOtherHead = type === 'distilbert' && ours.startsWith(BERT_NAMES.headDense);
    if (!isOtherHead) renamed.set(ours, tensor);
  }
  const positions = renamed.get(POSITIONS);
  if (type === 'roberta' && positions !== undefined) {
    renamed.set(POSITIONS, rowsFrom(positions, padding + 1));
  }
  const words = renamed.get(WORDS);
  if (words !== undefined) renamed.set(TYPES, twoTypes(renamed.get(TYPES), words.shape[1] ?? 0));
  return renamed;
}

/** How a model of BERT's kind calls its parts. */
export function namesOf(type: OriginFamily['type']): BertNames {
  if (type === 'roberta') return ROBERTA_NAMES;
  return type === 'distilbert' ? DISTILBERT_NAMES : BERT_NAMES;
}

/** Models without a head are saved without the name of the model in front. */
function withPrefix(name: string, { embeddings }: BertNames): string {
  const [model = ''] = embeddings.split('.');
  return /^(embeddings|encoder|transformer|pooler)\./.test(name) ? `${model}.${name}` : name;
}

function bertName(name: string, names: BertNames): string {
  const layer = /^(.*?\.layer\.)(\d+)\.(.+)\.(weight|bias)$/.exec(name);
  if (layer !== null) {
    const [, , index = '', part = '', kind = ''] = layer;
    const key = LAYER_PARTS.find((one) => names[one] === part);
    const prefix = BERT_NAMES.layer(Number(index));
    return key === undefined ? name : `${prefix}.${BERT_NAMES[key]}.${kind}`;
  }
  for (const key of ['headDense', 'classifier', 'embeddings'] as const) {
    const theirs = `${names[key]}.`;
    if (name.startsWith(theirs)) return `${BERT_NAMES[key]}.${name.slice(theirs.length)}`;
  }
  return name;
}

function rowsFrom(tensor: LazyTensor, first: number): LazyTensor {
  const [rows = 0, width = 0] = tensor.shape;
  const shape = [rows - first, width];
  return { shape, read: () => ({ shape, values: tensor.read().values.slice(first * width) }) };
}

function twoTypes(types: LazyTensor | undefined, width: number): LazyTensor {
  const shape = [2, width];
  const read = () => {
    const values = new Float32Array(2 * width);
    const own = types?.read().values ?? new Float32Array();
    values.set(own.subarray(0, 2 * width));
    if (types?.shape[0] === 1) values.set(own, width);
    return { shape, values };
  };
  return { shape: [2, types?.shape[1] ?? width], read };
}

const LAYER_PARTS = [
  'query',
  'key',
  'value',
  'attended',
  'attendedNorm',
  'wide',
  'narrow',
  'narrowNorm',
] as const;

const WORDS = `${BERT_NAMES.embeddings}.word_embeddings.weight`;
const POSITIONS = `${BERT_NAMES.embeddings}.position_embeddings.weight`;
const TYPES = `${BERT_NAMES.embeddings}.token_type_embeddings.weight`;
