import { forwardKl } from './divergence.ts';

/**
 * Soft losses as they stand in their papers, over two distributions as logarithms, at T = 1: slow and
 * obvious, for the tests of the fast ones.
 */
export const divergences = {
  'forward-kl': (teacher: readonly number[], student: readonly number[]) =>
    forwardKl(teacher, student),
  'reverse-kl': (teacher: readonly number[], student: readonly number[]) =>
    forwardKl(student, teacher),
  'jensen-shannon': (teacher: readonly number[], student: readonly number[], share = 0.5) => {
    const mixture = teacher.map((log, at) =>
      Math.log(share * Math.exp(log) + (1 - share) * Math.exp(student[at] ?? Number.NaN)),
    );
    return share * forwardKl(teacher, mixture) + (1 - share) * forwardKl(student, mixture);
  },
  mse: (teacher: readonly number[], student: readonly number[]) =>
    teacher.reduce((sum, log, at) => sum + (log - (student[at] ?? Number.NaN)) ** 2, 0) /
    teacher.length,
};
