import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { classNamesIn } from '#stages/onnx/class-names.ts';
import { EncoderGraphError } from '#stages/onnx/encoder-graph.ts';
import { BERT_EPSILON, GPT2_EPSILON } from './hugging-face-config.ts';
import { checkpointTensors, storedTensors } from './origin-checkpoint.ts';
import { graphTensors } from './origin-graph.ts';
import type { StoredTensor } from './safetensors.ts';
import type { ArchitectureName } from './student.ts';

/** A tensor that is read when somebody wants it. */
export interface LazyTensor {
  readonly shape: readonly number[];
  read(): StoredTensor;
}

/** A model that students take weights from, by the names that they have in our students. */
export interface Origin {
  /** The student that has its parts: RoBERTa and DistilBERT are of BERT's kind. */
  readonly architecture: ArchitectureName;
  readonly layers: number;
  readonly heads: number;
  /** Names of its outputs in their order; undefined where it has none or numbers only. */
  readonly classNames: readonly string[] | undefined;
  readonly tensors: ReadonlyMap<string, LazyTensor>;
  /** In what it computes differently from our student of the same weights, for people. */
  readonly differences: readonly string[];
  /** What its config.json says that it was made from. */
  readonly name: string | undefined;
}

/** Files of a model, as the graph of stages names them. */
export interface OriginFiles {
  readonly config: string;
  /** Safetensors, or one ONNX file. */
  readonly weights: readonly string[];
}

/** No weights can be taken from these files. */
export class OriginError extends Failure {
  constructor(file: string, problem: string) {
    super(
      'model',
      'E_INITIALISE_FROM',
      `${file}: ${problem}`,
      'set initialise.from to a folder with config.json and model.safetensors of a BERT, RoBERTa, DistilBERT, ModernBERT, GPT-2 or a student of decant, or leave initialise out',
    );
  }
}

/** Reads which weights a model has; the numbers are read one tensor at a time. */
export async function readOrigin({ config, weights }: OriginFiles): Promise<Origin> {
  const parsed = originConfig.safeParse(JSON.parse(await readFile(config, 'utf8')));
  if (!parsed.success) throw new OriginError(config, z.prettifyError(parsed.error));
  const facts = parsed.data;
  const [file = ''] = weights;
  const isGraph = file.endsWith('.onnx');
  const { model_type: type } = facts;
  if (isGraph && !isBertFamily(type)) {
    const problem = `weights of a ${type} are read from model.safetensors only`;
    throw new OriginError(file, problem);
  }
  const padding = facts.pad_token_id ?? 1;
  try {
    return {
      architecture: architectureOf(type),
      layers: facts.num_hidden_layers ?? facts.n_layers ?? facts.n_layer ?? 0,
      heads: facts.num_attention_heads ?? facts.n_heads ?? facts.n_head ?? 0,
      classNames: classNamesIn(config),
      tensors: isOwn(type)
        ? await storedTensors(weights)
        : isGraph
          ? graphTensors(file, { type, padding })
          : await checkpointTensors(weights, { type, padding }),
      differences: differencesOf(facts),
      name: facts._name_or_path || undefined,
    };
  } catch (error) {
    if (!(error instanceof EncoderGraphError)) throw error;
    throw new OriginError(file, error.message);
  }
}

/** What our BERT and ModernBERT do in one way only. */
function differencesOf(facts: z.infer<typeof originConfig>): string[] {
  const differences: string[] = [];
  const tell = (
    what: string,
    theirs: string | number | null | undefined,
    ours: string | number,
  ) => {
    if (theirs !== undefined && theirs !== null && theirs !== ours) {
      differences.push(`${what} ${theirs} (here ${ours})`);
    }
  };
  const { model_type: type } = facts;
  if (isOwn(type)) return differences;
  const activation =
    facts.hidden_act ?? facts.activation ?? facts.hidden_activation ?? facts.activation_function;
  tell('activation', activation, type === 'gpt2' ? 'gelu_new' : 'gelu');
  if (isBertFamily(type)) tell('layer_norm_eps', facts.layer_norm_eps, BERT_EPSILON);
  if (type === 'gpt2') tell('layer_norm_epsilon', facts.layer_norm_epsilon, GPT2_EPSILON);
  if (type !== 'modernbert') return differences;
  if (facts.architectures?.[0]?.endsWith('ForSequenceClassification')) {
    tell('classifier_pooling', facts.classifier_pooling ?? 'cls', 'mean');
  }
  const isLocal = (facts.global_attn_every_n_layers ?? 3) > 1;
  if (facts.layer_types?.includes('sliding_attention') ?? isLocal) {
    differences.push('local attention in some layers (here global in all)');
  }
  return differences;
}

type ModelType = z.infer<typeof originConfig>['model_type'];

function isBertFamily(type: ModelType): type is 'bert' | 'roberta' | 'distilbert' {
  return ['bert', 'roberta', 'distilbert'].includes(type);
}

/** Whether no Hugging Face class but a student of ours has such weights. */
function isOwn(type: ModelType): type is keyof typeof OWN {
  return type in OWN;
}

function architectureOf(type: ModelType): ArchitectureName {
  if (isOwn(type)) return OWN[type];
  return isBertFamily(type) ? 'bert' : type;
}

const OWN = {
  'decant-bag': 'bag',
  'decant-textcnn': 'textcnn',
  'decant-mlp': 'mlp',
  'decant-cnn': 'cnn',
} as const;

const size = z.int().positive();

const originConfig = z.looseObject({
  model_type: z.enum([
    'bert',
    'roberta',
    'distilbert',
    'modernbert',
    'gpt2',
    'decant-bag',
    'decant-textcnn',
    'decant-mlp',
    'decant-cnn',
  ]),
  _name_or_path: z.string().optional(),
  architectures: z.array(z.string()).nullish(),
  num_hidden_layers: size.optional(),
  n_layers: size.optional(),
  n_layer: size.optional(),
  num_attention_heads: size.optional(),
  n_heads: size.optional(),
  n_head: size.optional(),
  hidden_act: z.string().optional(),
  activation: z.string().optional(),
  hidden_activation: z.string().optional(),
  activation_function: z.string().optional(),
  layer_norm_eps: z.number().optional(),
  layer_norm_epsilon: z.number().optional(),
  classifier_pooling: z.string().optional(),
  global_attn_every_n_layers: size.optional(),
  layer_types: z.array(z.string()).nullish(),
  pad_token_id: z.int().nonnegative().nullish(),
});
