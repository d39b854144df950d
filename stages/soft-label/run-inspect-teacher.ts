import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { isValueTask, type ValueTask } from '#datasets/task.ts';
import { filesOf, outputOf } from '#stages/folders.ts';
import { sigmoid } from '#stages/numerics/binary.ts';
import { topK } from '#stages/numerics/top-k.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { planRows } from './batches.ts';
import { type InspectConfig, type Inspection, NotANumberError } from './inspect-teacher.ts';
import { inspectedRows } from './inspected-rows.ts';
import { paddingOf } from './padding.ts';
import { type Keep } from './settings.ts';
import { openTeacher } from './teacher.ts';

/** Shows a teacher a few texts, before it is used for anything. */
export async function* runInspectTeacher(
  context: StageContext<InspectConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const { rows, truncated, placeOf } = await inspectedRows(context);
  const { classCount, maxLength, shapes, output, device, deviceId, threads } = context.config;
  const task = isValueTask(context.config.task) ? context.config.task : undefined;
  const [model = ''] = filesOf(context, 'model');
  const padding = await paddingOf(context);
  const keep = { ...EVERYTHING, classCount, ...(task && { task, temperatures: [] }) };
  const perToken = rows.some(({ answers }) => answers !== undefined);
  const teacher = await openTeacher(model, {
    output,
    device,
    deviceId,
    threads,
    keep,
    ...padding,
    perToken,
    shapes,
  });
  try {
    const predictions: Inspection['predictions'] = [];
    let looksLikeProbabilities = false;
    let done = 0;
    const { shape } = teacher;
    for (const batch of planRows(rows, { tokenBudget: BUDGET, maxLength, shape, classCount })) {
      context.signal.throwIfAborted();
      const asked = batch.rows.flatMap((place) => rows[place] ?? []);
      const answer = await teacher.label(asked, batch.length);
      looksLikeProbabilities ||= answer.looksLikeProbabilities;
      for (const [index, place] of batch.rows.entries()) {
        const logits = answer.columns.logits.subarray(index * classCount, (index + 1) * classCount);
        const prediction = predictionOf(logits, rows[place]?.text ?? '', task);
        predictions[place] = { ...prediction, ...(await placeOf?.(place, prediction.classId)) };
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
      return { classId, probability: logit, values: [...logits] };
    case 'multi-label':
      return { classId, probability: sigmoid(logit), values: [...logits] };
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
