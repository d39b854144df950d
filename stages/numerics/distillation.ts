import { crossEntropy, forwardKl } from './divergence.ts';
import { logSoftmax, logSumExp, softmax } from './softmax.ts';
import type { TopK } from './top-k.ts';

/** Loss of one row and its derivative by each logit of the student. */
export interface RowLoss {
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** T^2 KL(teacher_T || student_T) over all classes. */
export function distillDense(
  studentLogits: ArrayLike<number>,
  teacherLogits: ArrayLike<number>,
  temperature: number,
): RowLoss {
  const teacher = logSoftmax(teacherLogits, temperature);
  const student = logSoftmax(studentLogits, temperature);
  return {
    loss: temperature ** 2 * forwardKl(teacher, student),
    gradient: student.map(
      (log, i) => temperature * (Math.exp(log) - Math.exp(teacher[i] ?? Number.NaN)),
    ),
  };
}

/** T^2 KL over the teacher's top k and one bucket for all other classes; `teacher` is taken at T. */
export function distillTopK(
  studentLogits: ArrayLike<number>,
  teacher: Pick<TopK, 'ids' | 'logProbs' | 'tailLogMass'>,
  temperature: number,
): RowLoss {
  const student = logSoftmax(studentLogits, temperature);
  const outside = student.slice();
  for (const id of teacher.ids) outside[id] = Number.NEGATIVE_INFINITY;
  const studentTail = logSumExp(outside);
  const studentTop = Float64Array.from(teacher.ids, (id) => student[id] ?? Number.NaN);
  // The bucket's probability is shared out as the student shares it out, so it pulls no class up by itself.
  const target = outside.map((log) =>
    log === Number.NEGATIVE_INFINITY ? 0 : Math.exp(teacher.tailLogMass + log - studentTail),
  );
  for (const [place, id] of teacher.ids.entries())
    target[id] = Math.exp(teacher.logProbs[place] ?? Number.NaN);
  return {
    loss:
      temperature ** 2 *
      forwardKl([...teacher.logProbs, teacher.tailLogMass], [...studentTop, studentTail]),
    gradient: student.map((log, i) => temperature * (Math.exp(log) - (target[i] ?? Number.NaN))),
  };
}

/** T^2 KL(draws || student_T): `shares` of the draws add up to 1. */
export function distillSampled(
  studentLogits: ArrayLike<number>,
  draws: { readonly ids: ArrayLike<number>; readonly shares: ArrayLike<number> },
  temperature: number,
): RowLoss {
  const target = new Float64Array(studentLogits.length);
  for (let place = 0; place < draws.ids.length; place++) {
    target[draws.ids[place] ?? Number.NaN] = draws.shares[place] ?? Number.NaN;
  }
  const student = logSoftmax(studentLogits, temperature);
  return {
    loss: temperature ** 2 * forwardKl(target.map(Math.log), student),
    gradient: student.map((log, i) => temperature * (Math.exp(log) - (target[i] ?? Number.NaN))),
  };
}

/** Cross-entropy with the gold class, part of the target spread evenly over all classes. */
export function goldLoss(
  studentLogits: ArrayLike<number>,
  goldId: number,
  labelSmoothing = 0,
): RowLoss {
  const even = labelSmoothing / studentLogits.length;
  const target = new Float64Array(studentLogits.length).fill(even);
  target[goldId] = 1 - labelSmoothing + even;
  return {
    loss: crossEntropy(target, logSoftmax(studentLogits)),
    gradient: softmax(studentLogits).map((p, i) => p - (target[i] ?? Number.NaN)),
  };
}
