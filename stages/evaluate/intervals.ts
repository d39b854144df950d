import type { TaggedSentence } from '#datasets/tagged-sentences.ts';
import type { ValueTask } from '#datasets/task.ts';
import {
  bootstrapIntervals,
  eachRow,
  type Intervals,
  unitsOf,
} from '#stages/numerics/bootstrap.ts';
import { randomFor } from '#stages/numerics/random.ts';
import {
  type JudgedAnswers,
  resampledClasses,
  resampledEntities,
  resampledLabels,
} from '#stages/numerics/resampled-figures.ts';
import { resampledRegression } from '#stages/numerics/resampled-regression.ts';

/** 95 % intervals of accuracy and macroF1; the words of a sentence are drawn together. */
export function classIntervals(
  answers: JudgedAnswers & { readonly exampleIds: readonly string[] },
  classCount: number,
): Intervals {
  const units = unitsOf(answers.exampleIds);
  return intervals(units.starts.length - 1, resampledClasses(answers, units, classCount));
}

/** 95 % interval of the share of rows on which two models say the same. */
export function agreementInterval(
  exampleIds: readonly string[],
  isSame: Uint8Array,
): [number, number] | undefined {
  const units = unitsOf(exampleIds);
  const { agreement } = intervals(units.starts.length - 1, (draw) => {
    let [rows, same] = [0, 0];
    eachRow(units, draw, (row) => {
      rows += 1;
      same += isSame[row] ?? 0;
    });
    return { agreement: same / Math.max(1, rows) };
  });
  return agreement;
}

/** 95 % interval of entityF1: sentences are drawn, as entities of one are found and missed together. */
export function entityIntervals(sentences: readonly TaggedSentence[]): Intervals {
  return intervals(sentences.length, resampledEntities(sentences));
}

/** 95 % intervals of the figures of a value task that follow from sums over rows; values [rows * width]. */
export function valueIntervals(
  task: ValueTask,
  own: Float32Array,
  targets: Float32Array,
  width: number,
): Intervals {
  const rows = own.length / width;
  const figures =
    task === 'regression'
      ? resampledRegression(own, targets, width)
      : resampledLabels(own, targets, width);
  return intervals(rows, figures);
}

/** One stream for all models: their intervals are over the same resamples of the test rows. */
function intervals(units: number, figuresOf: Parameters<typeof bootstrapIntervals>[2]): Intervals {
  return bootstrapIntervals(units, randomFor(1, 'intervals'), figuresOf);
}
