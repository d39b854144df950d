import { type AnyMetrics, isOfValues } from '#datasets/metrics.ts';
import { readsTensorsAlone } from '#stages/students/hugging-face-config.ts';

/** What a student is called by what it reads and what it answers. */
export interface CardKind {
  readonly head: string;
  readonly tag: string;
  readonly name: string;
  readonly outputs: 'classes' | 'outputs';
  readonly row: 'text' | 'row';
  readonly said: string;
  /** What is counted. */
  readonly unit: 'rows' | 'words';
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
  if (metrics.task === 'multi-label') {
    return { ...base, name: `${base.name} of several labels`, metrics: ['f1'] };
  }
  const named = { name: 'regression model', outputs: 'outputs', said: 'numbers' } as const;
  const head = base === TENSORS ? 'pipeline_tag: tabular-regression' : base.head;
  return { ...base, ...named, head, tag: 'regression', metrics: ['mse', 'pearsonr'] };
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

const TENSORS: CardKind = {
  ...TEXTS,
  head: 'pipeline_tag: tabular-classification',
  tag: 'tabular-classification',
  name: 'classifier',
  row: 'row',
  use: '`onnx/model.onnx` runs in ONNX Runtime; `tensor_inputs` of config.json has the axes of its inputs.',
};
