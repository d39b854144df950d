import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import type { TokenisedText } from '#datasets/long-texts.ts';
import { isLanguageModel } from '#datasets/task.ts';
import { type EncodedWords, openTokenizer, type TextTokenizer } from '#datasets/tokenizer.ts';
import { parseTokenizerJson } from '#datasets/tokenizer-json.ts';
import { filesOf } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import { type AskedPlace, type Mask, middlePlace, wordsAround } from './asked-places.ts';
import { type InspectConfig, type Inspection, inspectedRowsSchema } from './inspect-teacher.ts';
import type { TeacherRow } from './teacher-rows.ts';

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
  const [tokenizerPath = ''] = filesOf(context, 'tokenizer');
  const texts = inspectedRowsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
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
  const rows = encoded.map(({ ids, typeIds, ...asked }, index): TeacherRow => {
    const { text = '', textPair = null, word } = texts[index] ?? {};
    return {
      exampleId: String(index),
      split: 'validation',
      sourceId: null,
      text,
      tokenIds: Int32Array.from(ids),
      typeIds: textPair === null ? null : Int32Array.from(typeIds),
      ...(word !== undefined && { answers: answerOf(asked, word) }),
    };
  });
  return { rows, truncated: encoded.filter((one) => one.truncated).length };
}

/** The answer for one word; that for the frame before the sentence where the word was cut off. */
function answerOf({ answerAt = [], wordNumbers = [] }: Partial<EncodedWords>, word: number) {
  const at = answerAt[wordNumbers.indexOf(word)] ?? 0;
  return { at: Int32Array.of(at), positions: Int32Array.of(word) };
}

type Texts = z.infer<typeof inspectedRowsSchema>;
