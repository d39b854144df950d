import { type AnyMetrics, isOfValues } from '#datasets/metrics.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { readsTensorsAlone } from '#stages/students/hugging-face-config.ts';

/** What a student is called by what it reads and what it answers. */
export interface CardKind {
  readonly head: string;
  readonly tag: string;
  readonly name: string;
  readonly outputs: 'classes' | 'outputs' | 'tokens';
  readonly row: 'text' | 'row';
  readonly said: string;
  /** What is counted. */
  readonly unit: 'rows' | 'words' | 'tokens';
  readonly metrics: readonly string[];
  readonly use: string;
}

export function cardKind(facts: {
  readonly metrics: AnyMetrics;
  readonly modelType: string;
}): CardKind {
  const { metrics, modelType } = facts;
  const ofWords = !isOfValues(metrics) && metrics.words !== undefined;
  const base = readsTensorsAlone(modelType) ? TENSORS : ofWords ? WORDS : TEXTS;
  if (!isOfValues(metrics)) return base;
  if (metrics.task === 'masked-lm') return MASKED;
  if (isLanguageModel(metrics.task)) return CAUSAL;
  if (metrics.task === 'multi-label') {
    return { ...base, name: `${base.name} of several labels`, metrics: ['f1'] };
  }
  const named = { name: 'regression model', outputs: 'outputs', said: 'numbers' } as const;
  const head = base === TENSORS ? 'pipeline_tag: tabular-regression' : base.head;
  return { ...base, ...named, head, tag: 'regression', metrics: ['mse', 'pearsonr'] };
}

function inTransformers(call: string): string {
  return `\`\`\`python
from transformers import pipeline
${call}
\`\`\`

\`onnx/model.onnx\` gives the logits of every token: input_ids and attention_mask in, no cache of earlier tokens.`;
}

function inPython(call: string): string {
  return `\`\`\`python
from transformers import pipeline
classify = ${call}
\`\`\`

\`\`\`
npx decant predict --student .
\`\`\``;
}

const TEXTS: CardKind = {
  head: 'library_name: transformers\npipeline_tag: text-classification',
  tag: 'text-classification',
  name: 'text classifier',
  outputs: 'classes',
  row: 'text',
  said: 'probabilities',
  unit: 'rows',
  metrics: ['accuracy', 'f1'],
  use: inPython('pipeline("text-classification", model=".")'),
};

const WORDS: CardKind = {
  ...TEXTS,
  head: 'library_name: transformers\npipeline_tag: token-classification',
  tag: 'token-classification',
  name: 'tagger of words',
  unit: 'words',
  use: inPython('pipeline("token-classification", model=".", aggregation_strategy="first")'),
};

const MASKED: CardKind = {
  head: 'library_name: transformers\npipeline_tag: fill-mask',
  tag: 'fill-mask',
  name: 'masked language model',
  outputs: 'tokens',
  row: 'text',
  said: 'probabilities of the hidden tokens',
  unit: 'tokens',
  metrics: ['perplexity', 'accuracy'],
  use: inTransformers('fill_mask = pipeline("fill-mask", model=".")'),
};

const CAUSAL: CardKind = {
  ...MASKED,
  head: 'library_name: transformers\npipeline_tag: text-generation',
  tag: 'text-generation',
  name: 'language model',
  said: 'probabilities of each next token',
  use: inTransformers('generate = pipeline("text-generation", model=".")'),
};

const TENSORS: CardKind = {
  ...TEXTS,
  head: 'pipeline_tag: tabular-classification',
  tag: 'tabular-classification',
  name: 'classifier',
  row: 'row',
  use: '`onnx/model.onnx` runs in ONNX Runtime; `tensor_inputs` of config.json has the axes of its inputs.',
};
