import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import type { TokenisedText } from '#datasets/long-texts.ts';
import { isValueTask, type ValueTask } from '#datasets/task.ts';
import { type EncodedWords, openTokenizer } from '#datasets/tokenizer.ts';
import { filesOf, outputOf } from '#stages/folders.ts';
import { sigmoid } from '#stages/numerics/binary.ts';
import { topK } from '#stages/numerics/top-k.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { planBatches } from './batches.ts';
import {
  type InspectConfig,
  type Inspection,
  inspectedRowsSchema,
  NotANumberError,
} from './inspect-teacher.ts';
import { paddingOf } from './padding.ts';
import { type Keep } from './settings.ts';
import { openTeacher } from './teacher.ts';
import type { TeacherRow } from './teacher-rows.ts';

/** Shows a teacher a few texts, before it is used for anything. */
export async function* runInspectTeacher(
  context: StageContext<InspectConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { rows, truncated } = await tokenisedRows(context);
  const { classCount, maxLength, device, deviceId, threads, output } = context.config;
  const task = isValueTask(context.config.task) ? context.config.task : undefined;
  const [model = ''] = filesOf(context, 'model');
  const padding = await paddingOf(context);
  const keep = { ...EVERYTHING, classCount, ...(task && { task, temperatures: [] }) };
  const perToken = rows.some(({ answers }) => answers !== undefined);
  const teacher = await openTeacher(model, {
    device,
    deviceId,
    threads,
    output,
    keep,
    ...padding,
    perToken,
  });
  try {
    const predictions: Inspection['predictions'] = [];
    let looksLikeProbabilities = false;
    let done = 0;
    const lengths = rows.map(({ tokenIds }) => tokenIds.length);
    const { shape } = teacher;
    for (const batch of planBatches(lengths, { tokenBudget: BUDGET, maxLength, shape })) {
      context.signal.throwIfAborted();
      const asked = batch.rows.flatMap((place) => rows[place] ?? []);
      const answer = await teacher.label(asked, batch.length);
      looksLikeProbabilities ||= answer.looksLikeProbabilities;
      for (const [index, place] of batch.rows.entries()) {
        const logits = answer.columns.logits.subarray(index * classCount, (index + 1) * classCount);
        predictions[place] = predictionOf(logits, rows[place]?.text ?? '', task);
      }
      done += batch.rows.length;
      yield { type: 'progress', done, total: rows.length, unit: 'rows' };
    }
    const { provider, runtimeVersion } = teacher;
    const inspection: Inspection = {
      provider,
      runtime: `onnxruntime ${runtimeVersion}`,
      truncated,
      looksLikeProbabilities,
      predictions,
    };
    const path = join(outputOf(context, 'inspection'), 'inspection.json');
    await writeFileAtomic(path, `${JSON.stringify(inspection, null, 1)}\n`);
  } finally {
    await teacher.close();
  }
}

async function tokenisedRows(
  context: StageContext<InspectConfig>,
): Promise<{ rows: TeacherRow[]; truncated: number }> {
  const [path = ''] = filesOf(context, 'rows');
  const [tokenizerPath = ''] = filesOf(context, 'tokenizer');
  const texts = inspectedRowsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const tokenizer = await openTokenizer(tokenizerPath, context.config.maxLength);
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

function predictionOf(
  logits: Float32Array,
  text: string,
  task: ValueTask | undefined,
): Inspection['predictions'][number] {
  if (!logits.every(Number.isFinite)) throw new NotANumberError(text);
  const { ids, logProbs } = topK(logits, 1);
  const classId = ids[0] ?? -1;
  const logit = logits[classId] ?? Number.NaN;
  switch (task) {
    case 'regression':
      return { classId, probability: logit };
    case 'multi-label':
      return { classId, probability: sigmoid(logit) };
    case undefined:
      return { classId, probability: Math.exp(logProbs[0] ?? Number.NEGATIVE_INFINITY) };
    default:
      return task satisfies never;
  }
}

const EVERYTHING: Omit<Keep, 'classCount'> = {
  mode: 'dense',
  topK: undefined,
  samples: undefined,
  precision: 'float32',
  temperatures: [1],
};

/** Padded tokens in a batch: small, as nothing is known of the model yet. */
const BUDGET = 2048;
