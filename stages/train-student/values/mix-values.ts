import { Failure } from '#cache/failure.ts';
import type { ValueTask } from '#datasets/task.ts';
import { sigmoid } from '#stages/numerics/binary.ts';
import type { MixSpace, WeightedTarget } from '#stages/train-student/targets/mix-targets.ts';
import type { SoftTarget } from '#stages/train-student/targets/soft-targets.ts';

/** Numbers do not say how sure a teacher is of them. */
export class ValueMixError extends Failure {
  constructor(task: ValueTask) {
    super(
      'usage',
      'E_MIX_TASK',
      `student.mix: confidence goes by the probability of one class, and task is ${task}`,
      'set student.mix: weights, which takes the mean of the teachers by teachers.*.weight',
    );
  }
}

/** The weighted mean of numbers; of several labels that of the probabilities of each, as a logit again. */
export function mixValues(
  parts: readonly WeightedTarget[],
  task: ValueTask,
  { classCount, temperature }: MixSpace,
): SoftTarget {
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (place: number, valueOf: (logit: number) => number) =>
    parts.reduce((sum, { target, weight }) => {
      const logit = target.type === 'dense' ? target.logits[place] : undefined;
      return sum + (weight / total) * valueOf(logit ?? Number.NaN);
    }, 0);
  const logits = Float32Array.from({ length: classCount }, (_, place) => {
    if (task === 'regression') return mean(place, (value) => value);
    // Yes and no are summed each: 1 - p would lose what little is left of a no.
    const yes = mean(place, (logit) => sigmoid(logit / temperature));
    const no = mean(place, (logit) => sigmoid(-logit / temperature));
    return temperature * (Math.log(yes) - Math.log(no));
  });
  return { type: 'dense', logits };
}
