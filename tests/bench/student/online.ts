import { rowIndexOf } from '#datasets/row-index.ts';
import { topK } from '#stages/numerics/top-k.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { stepOverBatch } from '#stages/train-student/batches/batch-parts.ts';
import { type Batch, trainingBatches } from '#stages/train-student/batches/batches.ts';
import { tokenIdsOf } from '#stages/train-student/batches/token-rows.ts';
import { startStepClock } from '#stages/train-student/step-clock.ts';
import type { TransferRow } from '#stages/train-student/transfer-set.ts';
import { median, ms, percent, times } from './figures.ts';
import type { TrainingSample } from './training-sample.ts';

/**
 * A step from the cache beside one that asks the teacher first, over the same batches in turns; what the
 * teacher and the step alone take says how fast a cache could make it at best.
 */
export async function besideOnline(
  sample: TrainingSample,
  { rounds, steps }: { readonly rounds: number; readonly steps: number },
): Promise<string[][]> {
  const [cached, online] = [sample.stepper(), sample.stepper()];
  const clock = startStepClock();
  const taken = {
    cached: [] as number[],
    online: [] as number[],
    teacher: [] as number[],
    step: [] as number[],
  };
  const fromCache = trainingBatches(sample.transferSet, orderOf(sample), 0);
  const forTeacher = trainingBatches(sample.transferSet, orderOf(sample), 0);
  for (let step = 0; step < rounds * steps; step++) {
    const start = performance.now();
    const { value: batch } = await clock.waitFor(fromCache.next());
    clock.time(() => take(sample, cached, batch, step));
    taken.cached.push(performance.now() - start);

    const startOnline = performance.now();
    const { value: asked } = await forTeacher.next();
    const beforeTeacher = performance.now();
    const answered = await answeredByTeacher(sample, asked);
    const afterTeacher = performance.now();
    take(sample, online, answered, step);
    const end = performance.now();
    taken.online.push(end - startOnline);
    taken.teacher.push(afterTeacher - beforeTeacher);
    taken.step.push(end - afterTeacher);
  }
  [cached, online].forEach((stepper) => stepper.dispose());
  const [withCache, withTeacher, teacher, step] = [
    taken.cached,
    taken.online,
    taken.teacher,
    taken.step,
  ].map((all) => median(all.slice(WARM_UP))) as [number, number, number, number];
  const [speedUp, best] = [withTeacher / withCache, (teacher + step) / step];
  return [
    [
      ms(teacher),
      ms(step),
      ms(withTeacher),
      ms(withCache),
      times(speedUp),
      times(best),
      percent(speedUp / best),
      percent(clock.totalWaitShare()),
    ],
  ];
}

/** Seconds of a training of so many steps, its start included: batches of the sample by length, small vocabulary. */
export async function trainingSeconds(sample: TrainingSample, steps: number): Promise<number> {
  const start = performance.now();
  const stepper = sample.stepper();
  const batches = trainingBatches(sample.transferSet, orderOf(sample), 0);
  for (let step = 0; step < steps; step++) {
    take(sample, stepper, (await batches.next()).value, step);
  }
  stepper.dispose();
  return (performance.now() - start) / 1000;
}

function orderOf({ settings, student }: TrainingSample) {
  return { ...settings, buckets: student.buckets };
}

function take(
  { settings, student }: TrainingSample,
  stepper: Stepper,
  batch: Batch,
  step: number,
): void {
  stepOverBatch(stepper, batch, {
    layout: student.layout,
    scalars: { temperature: 2, softLossWeight: 0.9, hardLossWeight: 0.1 },
    seed: settings.seed,
    step,
    learningRate: 1e-3,
  });
}

/** The rows of the batch, with soft targets of a forward pass of the teacher. */
async function answeredByTeacher(sample: TrainingSample, { bucket, rows }: Batch): Promise<Batch> {
  const { teacher, teacherTokens, inputs } = sample;
  const index = rowIndexOf(teacherTokens.exampleIds, 'tokens/teacher');
  const tokens = rows.map(({ exampleId }) => tokenIdsOf(teacherTokens, index.rowOf(exampleId)));
  const length = Math.max(...tokens.map((ids) => ids.length));
  const dims = [rows.length, length];
  const [ids, mask] = [
    new BigInt64Array(rows.length * length),
    new BigInt64Array(rows.length * length),
  ];
  for (const [row, tokenIds] of tokens.entries()) {
    for (const [place, id] of tokenIds.entries()) {
      ids[row * length + place] = BigInt(id);
      mask[row * length + place] = 1n;
    }
  }
  const feeds = Object.fromEntries(
    teacher.inputs.map(({ name }) => {
      const data =
        name === 'input_ids'
          ? ids
          : name === 'attention_mask'
            ? mask
            : new BigInt64Array(ids.length);
      return [name, { type: 'int64' as const, data, dims }];
    }),
  );
  const [logits] = Object.values(await teacher.run(feeds));
  if (logits?.type !== 'float32') throw new TypeError('the teacher gave no float32 logits');
  const { data } = logits;
  const width = inputs.classNames.length;
  const answered = rows.map(({ exampleId, tokenIds, gold }, row): TransferRow => {
    const best = topK(data.subarray(row * width, (row + 1) * width), 10, 2);
    return {
      exampleId,
      tokenIds,
      gold,
      soft: {
        type: 'top-k',
        topIds: best.ids,
        topLogProbs: Float32Array.from(best.logProbs),
        tailLogMass: best.tailLogMass,
      },
    };
  });
  return { bucket, rows: answered };
}

const WARM_UP = 8;
