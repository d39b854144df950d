import type { TeacherKind } from './kind.ts';
import { TENSOR_KINDS } from './tensor-kinds.ts';
import { TEXT_KINDS } from './text-kinds.ts';
import { TOKEN_KINDS } from './token-kinds.ts';

/** All that a teacher can be, each with a run of a second. The normal tests ask some of them on the CPU, tests/gpu all on CUDA. */
export const TEACHER_KINDS: readonly TeacherKind[] = [
  ...TEXT_KINDS,
  ...TOKEN_KINDS,
  ...TENSOR_KINDS,
];
