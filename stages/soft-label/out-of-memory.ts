import { Failure } from '#cache/failure.ts';
import type { Teacher } from './teacher.ts';

/** Memory ran out, and other batches would give other numbers than the files that are there already. */
export class OutOfMemoryError extends Failure {
  constructor(cause: unknown, { provider, rowsDependOnBatch }: Teacher, files: number) {
    const why = rowsDependOnBatch
      ? 'this teacher quantises whole batches'
      : `on ${provider} the last bits of a row depend on its batch`;
    super(
      'model',
      'E_MODEL_MEMORY',
      `${messageOf(cause)}; smaller batches were not tried: ${why}, and ${files} finished files were made with the larger ones`,
      'run again with a smaller soft-label.tokenBudget and --force, so that all files are made alike',
      { cause },
    );
  }
}

/** Half the budget was too much as well. */
export class OutOfMemoryAgainError extends Failure {
  constructor(cause: unknown, tokenBudget: number) {
    super(
      'model',
      'E_MODEL_MEMORY',
      `${messageOf(cause)}; this was with half the budget already (tokenBudget ${tokenBudget})`,
      `set soft-label.tokenBudget below ${tokenBudget}, or teacher.maxLength lower where single rows are too long, or run where there is more memory`,
      { cause },
    );
  }
}

/**
 * The budget to go on with; throws where the result could become another one. On the CPU a row has the
 * same bits in every batch, unless the model quantises batches as a whole; on CUDA it need not have, so
 * there all files are made with one budget.
 */
export function smallerBudget(
  cause: unknown,
  tokenBudget: number,
  teacher: Teacher,
  finishedFiles: number,
): number {
  const { provider, rowsDependOnBatch, shape } = teacher;
  // A model of a fixed number of rows has no smaller batches.
  if (shape.fixedRows !== undefined) throw cause;
  const isIdentical = provider === 'cpu' && !rowsDependOnBatch;
  if (!isIdentical && finishedFiles > 0) throw new OutOfMemoryError(cause, teacher, finishedFiles);
  return Math.max(1, Math.floor(tokenBudget / 2));
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
