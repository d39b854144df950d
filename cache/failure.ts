/** What an expected failure means for the caller; `pipeline/failures.ts` turns it into an exit code. */
export type FailureKind = 'usage' | 'data' | 'model' | 'gate' | 'corrupt' | 'retry' | 'interrupted';

/**
 * Base of every failure that Decant expects. The message names the file, row or key and the value;
 * `fix` is the way out, in the imperative.
 */
export class Failure extends Error {
  readonly kind: FailureKind;
  /** Stable for scripts, such as `E_CORPUS_COLUMN`. */
  readonly code: string;
  readonly fix: string;

  constructor(
    kind: FailureKind,
    code: string,
    message: string,
    fix: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
    this.kind = kind;
    this.code = code;
    this.fix = fix;
  }
}
