import { Failure } from '#cache/failure.ts';

/** ONNX Runtime refuses the model. */
export class ModelRefusedError extends Failure {
  constructor(model: string, cause: unknown) {
    super(
      'model',
      'E_MODEL_REFUSED',
      `${model}: ONNX Runtime cannot load it: ${messageOf(cause)}`,
      'check that the file is whole, that its external data lies beside it as real files (not links), and that it loads in Python',
      { cause },
    );
  }
}

/** ONNX Runtime loaded the model, and then could not compute. */
export class ModelRunError extends Failure {
  constructor(cause: unknown) {
    super(
      'model',
      'E_MODEL_RUN',
      `the model failed while it ran: ${messageOf(cause)}`,
      /out of data bounds|indices element/.test(messageOf(cause))
        ? 'a token or position is not in its embedding: use the tokenizer.json of this very model, and check maxLength against the number of positions it knows'
        : 'check maxLength against the number of positions the model knows, and that the model runs in Python',
      { cause },
    );
  }
}

/** There was no memory for a tensor of the model. The session must not be used any more. */
export class ModelMemoryError extends Failure {
  constructor(cause: unknown) {
    super(
      'model',
      MEMORY_CODE,
      `out of memory while the model ran: ${messageOf(cause)}`,
      'lower soft-label.tokenBudget, or teacher.maxLength where single rows are too long',
      { cause },
    );
  }
}

/** Also of a failure that came from another thread, where its class is lost. */
export function isMemoryFailure(error: unknown): boolean {
  return error instanceof Failure && error.code === MEMORY_CODE;
}

/** What a failed run was about. */
export function runFailureOf(cause: unknown): ModelRunError | ModelMemoryError {
  return OUT_OF_MEMORY.test(messageOf(cause))
    ? new ModelMemoryError(cause)
    : new ModelRunError(cause);
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

const MEMORY_CODE = 'E_MODEL_MEMORY';

/** The arena's words on CPU and CUDA, those of C++, and those of the CUDA libraries. */
const OUT_OF_MEMORY =
  /Failed to allocate memory|BFCArena|bad[_ ]alloc|out of memory|CUBLAS_STATUS_ALLOC_FAILED|Available memory of \d+ is smaller/i;

/** Installing Decant alone brings no native packages. */
class MissingRuntimeError extends Failure {
  constructor(cause: unknown) {
    const problem = 'the package onnxruntime-node is not installed';
    super('model', 'E_ONNX_RUNTIME', problem, 'run `npx decant setup` in your project', { cause });
  }
}

/** Throws what came of loading ONNX Runtime, in words where the package is not there. */
export function missingRuntime(cause: unknown): never {
  if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
  throw new MissingRuntimeError(cause);
}
