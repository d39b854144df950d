import {
  openTokenizer,
  type TextTokenizer,
  type TokenizerInput,
} from '#datasets/tokens/tokenizer.ts';
import { tokenAnswers } from '#stages/onnx/answers.ts';
import { type Classifier, openClassifier } from '#stages/onnx/classifier.ts';
import { batchesByLength } from '#stages/onnx/token-batches.ts';
import {
  type AnswerRules,
  answerOf,
  type Prediction,
  type WordPrediction,
  wordAnswers,
} from './student-answers.ts';
import { type AskedModel, NotAStudentError, readStudentFolder } from './student-folder.ts';
import { type StudentText, tokenizerInputs } from './student-text.ts';

/** An exported student at work in this thread, which it blocks while the model computes. */
export interface OpenStudent extends AnswerRules {
  /** It learned from pairs of texts. */
  readonly readsPairs: boolean;
  /** Predictions in the order of the texts; keep a call to a few hundred texts. */
  classify(
    texts: readonly StudentText[],
    options?: { readonly top?: number },
  ): Promise<Prediction[]>;
  /** A prediction for each word of each sentence; keep a call to a few hundred sentences. */
  tag(sentences: readonly (readonly string[])[]): Promise<WordPrediction[][]>;
  close(): Promise<void>;
}

export interface StudentOptions extends AskedModel {
  /** Threads inside an operator; all cores when left out. */
  readonly threads?: number | undefined;
}

/** Opens a student directory: config.json, tokenizer.json and its ONNX file. Needs no TensorFlow. */
export async function openStudent(
  folder: string,
  { threads, ...asked }: StudentOptions = {},
): Promise<OpenStudent> {
  const { classNames, task, readsPairs, operatingPoint, ...files } = await readStudentFolder(
    folder,
    asked,
  );
  const tokenizer = await openTokenizer(files.tokenizer, files.maxLength, files.cut);
  const { padTokenId, output } = files;
  const options = { device: 'cpu', padTokenId, threads, output } as const;
  const classifier = await openClassifier(files.model, options);
  const rules = { classNames, task, operatingPoint };
  const parts = { tokenizer, classifier, rules };
  const isTagger = task === 'token-classification';
  return {
    ...rules,
    readsPairs,
    async tag(sentences) {
      if (!isTagger) throw new NotAStudentError(folder, 'names texts and not their words');
      return taggedWords(parts, sentences);
    },
    async classify(texts, { top = 1 } = {}) {
      if (isTagger) throw new NotAStudentError(folder, 'names words and not whole texts');
      return predictions(parts, tokenizerInputs(folder, readsPairs, texts), top);
    },
    close: () => classifier.close(),
  };
}

interface Parts {
  readonly tokenizer: TextTokenizer;
  readonly classifier: Classifier;
  readonly rules: AnswerRules;
}

async function predictions(
  { tokenizer, classifier, rules }: Parts,
  inputs: readonly TokenizerInput[],
  top: number,
): Promise<Prediction[]> {
  const width = rules.classNames.length;
  const rows = (await tokenizer.encode(inputs)).map(({ ids }) => ({
    tokenIds: Int32Array.from(ids),
    typeIds: null,
  }));
  const answers = new Map<number, Prediction>();
  const lengthOf = (row: number) => rows[row]?.tokenIds.length ?? 0;
  for (const batch of batchesByLength([...rows.keys()], lengthOf, BATCH_SIZE)) {
    const logits = await classifier.logits(batch.flatMap((index) => rows[index] ?? []));
    for (const [row, index] of batch.entries()) {
      answers.set(index, answerOf(logits.subarray(row * width, (row + 1) * width), rules, top));
    }
  }
  return inputs.flatMap((_, index) => answers.get(index) ?? []);
}

async function taggedWords(
  { tokenizer, classifier, rules }: Parts,
  sentences: readonly (readonly string[])[],
): Promise<WordPrediction[][]> {
  const encoded = await tokenizer.encodeWords(sentences);
  const tagged = new Map<number, WordPrediction[]>();
  const lengthOf = (row: number) => encoded[row]?.ids.length ?? 0;
  for (const batch of batchesByLength([...encoded.keys()], lengthOf, BATCH_SIZE)) {
    const parts = batch.flatMap((row) => encoded[row] ?? []);
    const rows = parts.map(({ ids }) => ({ tokenIds: Int32Array.from(ids), typeIds: null }));
    const places = parts.map(({ answerAt }) => answerAt);
    const answers = await tokenAnswers(classifier, rows, places, rules.classNames.length);
    for (const [index, row] of batch.entries()) {
      const logits = answers[index] ?? new Float32Array();
      const words = sentences[row] ?? [];
      tagged.set(row, wordAnswers(words, parts[index]?.wordNumbers ?? [], logits, rules));
    }
  }
  return sentences.map((_, row) => tagged.get(row) ?? []);
}

/** What a student of 2 x 128 computes of so many short texts stays in a core's cache, and little is padded. */
const BATCH_SIZE = 16;
