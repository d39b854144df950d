import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { cutOf, LONG_TEXTS, LONG_TEXTS_KEY } from '#datasets/long-texts.ts';
import { openTokenizer, type TextTokenizer, type TokenizerInput } from '#datasets/tokenizer.ts';
import { sigmoid } from '#stages/numerics/binary.ts';
import { topK } from '#stages/numerics/top-k.ts';
import { tokenAnswers } from '#stages/onnx/answers.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { batchesByLength } from '#stages/onnx/token-batches.ts';

/** What a student says of one text. */
export interface Prediction {
  readonly label: string;
  /** Probability of `label`, 0..1; of regression the number itself. */
  readonly confidence: number;
  /** The most likely classes with their probabilities, best first; of multi-label at least all that are said (from 0.5 on), of regression all outputs. */
  readonly top: readonly { readonly label: string; readonly probability: number }[];
}

/** What a tagger says of one word; null where the word has no token that it sees. */
export interface WordPrediction {
  readonly word: string;
  readonly label: string | null;
  /** Probability of `label`, 0..1. */
  readonly confidence: number | null;
}

/** An exported student at work. */
export interface LoadedStudent {
  readonly classNames: readonly string[];
  /** It names words (`tag`); else texts (`classify`). */
  readonly isTagger: boolean;
  /** Predictions in the order of the texts; keep a call to a few hundred texts. */
  classify(texts: readonly string[], options?: { readonly top?: number }): Promise<Prediction[]>;
  /** A prediction for each word of each sentence; keep a call to a few hundred sentences. */
  tag(sentences: readonly (readonly string[])[]): Promise<WordPrediction[][]>;
  close(): Promise<void>;
}

export class NotAStudentError extends Failure {
  constructor(folder: string, problem: string) {
    super(
      'model',
      'E_STUDENT',
      `${folder}: ${problem}`,
      'name the folder that export-student made; `npx decant run` prints its path',
    );
  }
}

/** The student reads numbers, which lines of text are not. */
class TensorStudentError extends Failure {
  constructor(folder: string) {
    super(
      'usage',
      'E_STUDENT',
      `${folder}: this student reads tensors, not lines of text`,
      'run onnx/model.onnx in ONNX Runtime: tensor_inputs of config.json names its inputs',
    );
  }
}

const configSchema = z.object({
  architectures: z.array(z.string()).default([]),
  id2label: z.record(z.string(), z.string()),
  pad_token_id: z.int().nonnegative().default(0),
  max_position_embeddings: z.int().positive().default(512),
  problem_type: z.string().optional(),
  tensor_inputs: z.record(z.string(), z.unknown()).optional(),
});

// Hugging Face writes 1e30 where there is no limit.
const tokenizerConfigSchema = z.object({
  model_max_length: z.number().positive().default(Number.POSITIVE_INFINITY),
  [LONG_TEXTS_KEY]: z.enum(LONG_TEXTS).optional(),
});

/** Opens a student directory: config.json, tokenizer.json and onnx/model.onnx. Needs no TensorFlow. */
export async function loadStudent(
  folder: string,
  options: { readonly threads?: number } = {},
): Promise<LoadedStudent> {
  requireFiles(folder, ['config.json', 'onnx/model.onnx']);
  const config = await readJson(folder, 'config.json', configSchema);
  if (config.tensor_inputs !== undefined) throw new TensorStudentError(folder);
  requireFiles(folder, ['tokenizer.json']);
  const classNames = namesOf(folder, config.id2label);
  const trained = await tokenizerConfig(folder);
  const maxLength = Math.min(config.max_position_embeddings, trained.model_max_length);
  const cut = cutOf(trained[LONG_TEXTS_KEY]);
  const tokenizer = await openTokenizer(join(folder, 'tokenizer.json'), maxLength, cut);
  const classifier = await openClassifier(join(folder, 'onnx/model.onnx'), {
    device: 'cpu',
    padTokenId: config.pad_token_id,
    ...options,
  });
  const isTagger = config.architectures.some((name) => name.endsWith('ForTokenClassification'));
  const parts = { tokenizer, classifier, classNames };
  return {
    classNames,
    isTagger,
    async tag(sentences) {
      if (!isTagger) throw new NotAStudentError(folder, 'names texts and not their words');
      return taggedWords(parts, sentences);
    },
    async classify(texts, { top = 1 } = {}) {
      if (isTagger) throw new NotAStudentError(folder, 'names words and not whole texts');
      const inputs = texts.map((text): TokenizerInput => ({ text, textPair: null }));
      const rows = (await tokenizer.encode(inputs)).map(({ ids }) => ({
        tokenIds: Int32Array.from(ids),
        typeIds: null,
      }));
      const predictions = new Map<number, Prediction>();
      const lengthOf = (row: number) => rows[row]?.tokenIds.length ?? 0;
      for (const batch of batchesByLength([...rows.keys()], lengthOf, BATCH_SIZE)) {
        const logits = await classifier.logits(batch.flatMap((index) => rows[index] ?? []));
        batch.forEach((index, row) => {
          const of = logits.subarray(row * classNames.length, (row + 1) * classNames.length);
          predictions.set(index, answerOf(of, classNames, { top, type: config.problem_type }));
        });
      }
      return texts.flatMap((_, index) => predictions.get(index) ?? []);
    },
    close: () => classifier.close(),
  };
}

function requireFiles(folder: string, names: readonly string[]): void {
  const missing = names.find((name) => !existsSync(join(folder, name)));
  if (missing !== undefined) throw new NotAStudentError(folder, `has no ${missing}`);
}

interface Parts {
  readonly tokenizer: TextTokenizer;
  readonly classifier: Classifier;
  readonly classNames: readonly string[];
}

async function taggedWords(
  { tokenizer, classifier, classNames }: Parts,
  sentences: readonly (readonly string[])[],
): Promise<WordPrediction[][]> {
  const encoded = await tokenizer.encodeWords(sentences);
  const tagged = new Map<number, WordPrediction[]>();
  const lengthOf = (row: number) => encoded[row]?.ids.length ?? 0;
  for (const batch of batchesByLength([...encoded.keys()], lengthOf, BATCH_SIZE)) {
    const parts = batch.flatMap((row) => encoded[row] ?? []);
    const rows = parts.map(({ ids }) => ({ tokenIds: Int32Array.from(ids), typeIds: null }));
    const places = parts.map(({ answerAt }) => answerAt);
    const answers = await tokenAnswers(classifier, rows, places, classNames.length);
    for (const [index, row] of batch.entries()) {
      const logits = answers[index] ?? new Float32Array();
      const words = sentences[row] ?? [];
      tagged.set(row, wordPredictions(words, parts[index]?.wordNumbers ?? [], logits, classNames));
    }
  }
  return sentences.map((_, row) => tagged.get(row) ?? []);
}

function wordPredictions(
  words: readonly string[],
  wordNumbers: readonly number[],
  logits: Float32Array,
  classNames: readonly string[],
): WordPrediction[] {
  const width = classNames.length;
  return words.map((word, number) => {
    const answer = wordNumbers.indexOf(number);
    if (answer < 0) return { word, label: null, confidence: null };
    const own = logits.subarray(answer * width, (answer + 1) * width);
    const { label, confidence } = predictionOf(own, classNames, 1);
    return { word, label, confidence };
  });
}

/** A bert student has a few positions more than it was trained to read. */
async function tokenizerConfig(folder: string): Promise<z.infer<typeof tokenizerConfigSchema>> {
  const name = 'tokenizer_config.json';
  if (!existsSync(join(folder, name))) return tokenizerConfigSchema.parse({});
  return readJson(folder, name, tokenizerConfigSchema);
}

async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(join(folder, name), 'utf8')));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new NotAStudentError(folder, `${name}: ${problem}`);
  }
}

function namesOf(folder: string, id2label: Readonly<Record<string, string>>): string[] {
  const count = Object.keys(id2label).length;
  return Array.from({ length: count }, (_, id) => {
    const name = id2label[String(id)];
    if (name === undefined)
      throw new NotAStudentError(folder, `config.json: id2label has no ${id}`);
    return name;
  });
}

/** By what the student was trained for, in Hugging Face's words. */
function answerOf(
  logits: Float32Array,
  classNames: readonly string[],
  { top, type }: { readonly top: number; readonly type: string | undefined },
): Prediction {
  if (type === 'regression') {
    return listed(classNames.map((label, id) => ({ label, probability: logits[id] ?? NaN })));
  }
  if (type !== 'multi_label_classification') return predictionOf(logits, classNames, top);
  const all = classNames
    .map((label, id) => ({ label, probability: sigmoid(logits[id] ?? NaN) }))
    .sort((a, b) => b.probability - a.probability);
  const said = all.filter(({ probability }) => probability >= 0.5).length;
  return listed(all.slice(0, Math.max(top, said)));
}

function listed(top: Prediction['top']): Prediction {
  return { label: top[0]?.label ?? '', confidence: top[0]?.probability ?? 0, top };
}

function predictionOf(
  logits: Float32Array,
  classNames: readonly string[],
  count: number,
): Prediction {
  const { ids, logProbs } = topK(logits, Math.max(1, Math.min(count, classNames.length)));
  const top = Array.from(ids, (id, rank) => ({
    label: classNames[id] ?? '',
    probability: Math.exp(logProbs[rank] ?? Number.NEGATIVE_INFINITY),
  }));
  return { label: top[0]?.label ?? '', confidence: top[0]?.probability ?? 0, top };
}

const BATCH_SIZE = 32;
