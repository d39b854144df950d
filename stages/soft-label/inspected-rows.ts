import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import type { TensorShape } from '#datasets/features.ts';
import { isLanguageModel } from '#datasets/task.ts';
import type { TokenisedText } from '#datasets/tokens/long-texts.ts';
import {
  type EncodedWords,
  openTokenizer,
  type TextTokenizer,
} from '#datasets/tokens/tokenizer.ts';
import { parseTokenizerJson } from '#datasets/tokens/tokenizer-json.ts';
import { filesOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type AskedPlace, type Mask, middlePlace, wordsAround } from './asked-places.ts';
import { type InspectConfig, type Inspection, inspectedRowsSchema } from './inspect-teacher.ts';
import type { TeacherRow } from './teacher-rows.ts';
import { tensorSteps } from './tensor-steps.ts';

/** The rows as the teacher sees them. */
export interface InspectedRows {
  readonly rows: readonly TeacherRow[];
  readonly truncated: number;
  /** Of a language model: the place that a row is asked for, and a class in words. */
  readonly placeOf?: (
    row: number,
    classId: number,
  ) => Promise<Pick<Inspection['predictions'][number], 'place'>>;
}

/** Reads the texts that a teacher is shown, and makes them what it reads. */
export async function inspectedRows(context: StageContext<InspectConfig>): Promise<InspectedRows> {
  const [path = ''] = filesOf(context, 'rows');
  const texts = inspectedRowsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const { shapes = {} } = context.config;
  const [tokenizerPath] = context.files['tokenizer'] ?? [];
  if (tokenizerPath === undefined) {
    return { rows: texts.map((one, index) => tensorRow(one, index, shapes)), truncated: 0 };
  }
  const tokenizer = await openTokenizer(tokenizerPath, context.config.maxLength);
  return isLanguageModel(context.config.task)
    ? languageRows(texts, tokenizer, await maskOf(context.config, tokenizerPath))
    : tokenisedRows(texts, tokenizer);
}

/** Of each text one place in its middle. */
async function languageRows(
  texts: Texts,
  tokenizer: TextTokenizer,
  mask: Mask | undefined,
): Promise<InspectedRows> {
  const encoded = await tokenizer.encode(texts);
  const asked = encoded.flatMap(({ ids }) => middlePlace(ids, mask) ?? []);
  return {
    rows: asked.map((place, index) => languageRow(place, index)),
    truncated: encoded.filter((one) => one.truncated).length,
    async placeOf(row, classId) {
      const place = asked[row];
      if (place === undefined) throw new RangeError(`row ${row} of ${asked.length}`);
      const text = await wordsAround(place, mask, tokenizer);
      const [gold = '', says = ''] = await Promise.all(
        [place.goldId, classId].map((id) => tokenizer.decode([id])),
      );
      return { place: { text, goldId: place.goldId, gold, says } };
    },
  };
}

function languageRow({ tokenIds, at }: AskedPlace, index: number): TeacherRow {
  const places = Int32Array.of(at);
  const exampleId = String(index);
  const answers = { at: places, positions: places };
  return {
    exampleId,
    split: 'validation',
    sourceId: null,
    text: null,
    tokenIds,
    typeIds: null,
    answers,
  };
}

/** Special tokens are not hidden. */
async function maskOf({ maskId }: InspectConfig, path: string): Promise<Mask | undefined> {
  if (maskId === undefined) return undefined;
  const { added_tokens: added } = parseTokenizerJson(await readFile(path, 'utf8'), path);
  return { maskId, specialIds: new Set(added.filter((one) => one.special).map(({ id }) => id)) };
}

async function tokenisedRows(texts: Texts, tokenizer: TextTokenizer): Promise<InspectedRows> {
  const sentences = texts.flatMap(({ words }) => (words === undefined ? [] : [words]));
  const encoded: readonly (TokenisedText & Partial<EncodedWords>)[] =
    sentences.length === 0 ? await tokenizer.encode(texts) : await tokenizer.encodeWords(sentences);
  const rows = texts.map((one, index): TeacherRow => {
    const { textPair, word } = one;
    const { ids = [], typeIds = [], ...asked } = encoded[index] ?? {};
    return {
      ...plainRow(one, index),
      tokenIds: Int32Array.from(ids),
      typeIds: textPair === null ? null : Int32Array.from(typeIds),
      ...(word !== undefined && { answers: answerOf(asked, word) }),
    };
  });
  return { rows, truncated: encoded.filter((one) => one.truncated).length };
}

/** A row but for its tokens. */
function plainRow({ text, features }: Texts[number], index: number) {
  const row = { exampleId: String(index), split: 'validation', sourceId: null, text } as const;
  if (features === undefined) return row;
  const entries = Object.entries(features).map(
    ([name, values]) => [name, Float32Array.from(values)] as const,
  );
  return { ...row, features: Object.fromEntries(entries) };
}

/** A row of tensors alone. */
function tensorRow(one: Texts[number], index: number, shapes: Shapes): TeacherRow {
  const row = plainRow(one, index);
  const features = 'features' in row ? row.features : {};
  const steps = tensorSteps(shapes, features);
  return { ...row, features, steps, tokenIds: new Int32Array(), typeIds: null };
}

/** The answer for one word; that for the frame before the sentence where the word was cut off. */
function answerOf({ answerAt = [], wordNumbers = [] }: Partial<EncodedWords>, word: number) {
  const at = answerAt[wordNumbers.indexOf(word)] ?? 0;
  return { at: Int32Array.of(at), positions: Int32Array.of(word) };
}

type Texts = z.infer<typeof inspectedRowsSchema>;

type Shapes = Readonly<Record<string, TensorShape>>;
