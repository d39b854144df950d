import { type AnyMetrics, isOfValues } from '#datasets/metrics/metrics.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { readsTensorsAlone } from '#stages/students/hugging-face-config.ts';

/** What a student is called by what it reads and what it answers. */
export interface CardKind {
  /** Hugging Face's name of what it does. */
  readonly pipeline: string;
  /** It has a class there. */
  readonly loadsInTransformers: boolean;
  readonly tag: string;
  readonly name: string;
  readonly outputs: 'classes' | 'outputs' | 'tokens';
  readonly row: 'text' | 'row';
  readonly said: string;
  /** What is counted. */
  readonly unit: 'rows' | 'words' | 'tokens';
  readonly intended: string;
  readonly limits: string;
  readonly use: string;
}

export function cardKind(facts: {
  readonly metrics: AnyMetrics;
  readonly modelType: string;
  /** It reads pairs of texts. */
  readonly textPairs: boolean;
}): CardKind {
  const { metrics, modelType } = facts;
  const base = baseKind(facts);
  const kind = modelType.startsWith(OUR_OWN) ? withoutTransformers(base) : base;
  if (!isOfValues(metrics)) return kind;
  if (metrics.task === 'masked-lm') return MASKED;
  if (isLanguageModel(metrics.task)) return CAUSAL;
  if (metrics.task === 'multi-label') return ofSeveralLabels(kind);
  return ofNumbers(kind);
}

function baseKind({ metrics, modelType, textPairs }: Parameters<typeof cardKind>[0]): CardKind {
  if (readsTensorsAlone(modelType)) return TENSORS;
  if (!isOfValues(metrics) && metrics.words !== undefined) return WORDS;
  return textPairs ? PAIRS : TEXTS;
}

function withoutTransformers(kind: CardKind): CardKind {
  if (kind === TENSORS) return kind;
  const use = `\`\`\`
${kind === PAIRS ? PREDICT_PAIR : 'npx decant predict --student .'}
\`\`\`

transformers has no class for it: \`onnx/model.onnx\` (input_ids and attention_mask in, logits out) and tokenizer.json run in ONNX Runtime and tokenizers.`;
  return { ...kind, loadsInTransformers: false, use };
}

function ofSeveralLabels(kind: CardKind): CardKind {
  return {
    ...kind,
    name: `${kind.name} of several labels`,
    intended: `Saying which of the classes below apply to a ${kind.row} like those of the corpus; none, one or several may.`,
    limits:
      'A class is said from a probability of 0.5 on, or from the threshold of an operating point; of classes that are rare in the corpus it has seen little.',
  };
}

function ofNumbers(kind: CardKind): CardKind {
  return {
    ...kind,
    name: 'regression model',
    outputs: 'outputs',
    said: 'numbers',
    pipeline: kind === TENSORS ? 'tabular-regression' : kind.pipeline,
    tag: 'regression',
    intended: `Giving the numbers below for a ${kind.row} like those of the corpus.`,
    limits:
      'Outside the range of the numbers that the corpus has it guesses, and it does not say how sure it is.',
  };
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

const PREDICT_PAIR = `echo '{"text": "the first text", "text_pair": "the second one"}' | npx decant predict --student . --format jsonl`;

/** Prefix of the model types that only Decant has. */
const OUR_OWN = 'decant-';

const TEXTS: CardKind = {
  pipeline: 'text-classification',
  loadsInTransformers: true,
  tag: 'text-classification',
  name: 'text classifier',
  outputs: 'classes',
  row: 'text',
  said: 'probabilities',
  unit: 'rows',
  intended:
    'Telling which of the classes below a text belongs to, of texts like those of the corpus: its language, its subject, its time.',
  limits: 'It names one of its classes for any text, also for one that belongs to none of them.',
  use: inPython('pipeline("text-classification", model=".")'),
};

const PAIRS: CardKind = {
  ...TEXTS,
  name: 'classifier of pairs of texts',
  row: 'row',
  intended:
    'Telling which of the classes below two texts belong to together, of pairs like those of the corpus.',
  limits:
    'It names one of its classes for any pair; of a single text it can tell nothing, and `decant` refuses it.',
  use: `\`\`\`python
from transformers import pipeline
classify = pipeline("text-classification", model=".")
classify({"text": "the first text", "text_pair": "the second one"})
\`\`\`

\`\`\`
${PREDICT_PAIR}
\`\`\``,
};

const WORDS: CardKind = {
  ...TEXTS,
  pipeline: 'token-classification',
  tag: 'token-classification',
  name: 'tagger of words',
  unit: 'words',
  intended:
    'Giving each word of a sentence one of the classes below, of sentences like those of the corpus.',
  limits:
    'Words behind the end of what it reads get no class, and words that the corpus never had in such a place are easily missed.',
  use: inPython('pipeline("token-classification", model=".", aggregation_strategy="first")'),
};

const MASKED: CardKind = {
  pipeline: 'fill-mask',
  loadsInTransformers: true,
  tag: 'fill-mask',
  name: 'masked language model',
  outputs: 'tokens',
  row: 'text',
  said: 'probabilities of the hidden tokens',
  unit: 'tokens',
  intended:
    'A start for further training on texts like those of the corpus, or filling in hidden words of them.',
  limits:
    'It is no source of facts, and it has learned what is false or offensive in its texts as well.',
  use: inTransformers('fill_mask = pipeline("fill-mask", model=".")'),
};

const CAUSAL: CardKind = {
  ...MASKED,
  pipeline: 'text-generation',
  tag: 'text-generation',
  name: 'language model',
  said: 'probabilities of each next token',
  intended:
    'A start for further training on texts like those of the corpus, or going on with them.',
  use: inTransformers('generate = pipeline("text-generation", model=".")'),
};

const TENSORS: CardKind = {
  ...TEXTS,
  pipeline: 'tabular-classification',
  loadsInTransformers: false,
  tag: 'tabular-classification',
  name: 'classifier',
  row: 'row',
  intended:
    'Telling which of the classes below a row belongs to, of rows measured and scaled like those of the corpus.',
  limits: 'It names one of its classes for any row, also for one that belongs to none of them.',
  use: '`onnx/model.onnx` runs in ONNX Runtime; `tensor_inputs` of config.json has the axes of its inputs.',
};
