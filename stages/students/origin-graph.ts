import {
  EncoderGraphError,
  type EncoderLayer,
  readEncoderGraph,
} from '#stages/onnx/encoder-graph.ts';
import type { Linear } from '#stages/onnx/graph-linears.ts';
import type { Norm } from '#stages/onnx/graph-norms.ts';
import type { Constant } from '#stages/onnx/stored-constants.ts';
import type { LazyTensor } from './origin.ts';
import { asBert, namesOf, type OriginFamily } from './origin-names.ts';

/** The tensors of an ONNX file of BERT's kind by the names of our students. */
export function graphTensors(path: string, family: OriginFamily): ReadonlyMap<string, LazyTensor> {
  const { tables, norm, layers, head } = readEncoderGraph(path);
  const names = namesOf(family.type);
  const tensors = new Map<string, LazyTensor>();
  const keep = (name: string, shape: readonly number[], read: () => Constant | undefined) => {
    tensors.set(name, { shape, read: () => found(name, read) });
  };
  const keepPart = (name: string, weight: () => Constant | undefined, bias: Linear['bias']) => {
    const first = found(`${name}.weight`, weight);
    keep(`${name}.weight`, first.shape, weight);
    // Our students have a bias everywhere: none is a bias of zeros.
    const none = () => ({ shape: first.shape.slice(0, 1), values: zeros(first.shape[0]) });
    keep(`${name}.bias`, first.shape.slice(0, 1), bias ?? none);
  };
  for (const [table, name] of TABLES) {
    const value = tables[table];
    if (value !== undefined) keep(`${names.embeddings}.${name}.weight`, value.shape, () => value);
  }
  keepPart(`${names.embeddings}.LayerNorm`, norm.gain, norm.bias);
  for (const [index, layer] of layers.entries()) {
    for (const part of Object.keys(layer) as (keyof EncoderLayer)[]) {
      const own: Linear | Norm = layer[part];
      const weight = 'weight' in own ? own.weight : own.gain;
      keepPart(`${names.layer(index)}.${names[part]}`, weight, own.bias);
    }
  }
  for (const [name, linear] of headNames(names, head)) keepPart(name, linear.weight, linear.bias);
  return asBert(tensors, family);
}

/** One product behind the last layer is a classifier of tokens, or of a mean; two are pooler and classifier. */
function headNames(
  { headDense, classifier }: { readonly headDense: string; readonly classifier: string },
  head: readonly Linear[],
): [string, Linear][] {
  const [first, second] = head;
  if (first === undefined) return [];
  if (second === undefined) return [[classifier, first]];
  return [
    [headDense, first],
    [classifier, second],
  ];
}

function found(name: string, read: () => Constant | undefined): Constant {
  const value = read();
  if (value !== undefined) return value;
  throw new EncoderGraphError(`"${name}" is stored in a form that is not read here`);
}

function zeros(length = 0): Float32Array {
  return new Float32Array(length);
}

const TABLES = [
  ['words', 'word_embeddings'],
  ['positions', 'position_embeddings'],
  ['types', 'token_type_embeddings'],
] as const;
