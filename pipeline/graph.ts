import type { Stage } from '#stages/stage.ts';

/** A stage whose config type the pipeline does not need to know. */
export type AnyStage = Stage<unknown>;

/** An output of another instance. */
export interface InputReference {
  readonly instance: string;
  readonly output: string;
}

/** One node of the plan: a stage with its settings, such as `train-student:distilled`. */
export interface StageInstance {
  readonly name: string;
  readonly stage: AnyStage;
  /** Parsed by the stage's own schema. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Files outside the store whose content decides the result. */
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly inputs: Readonly<Record<string, InputReference>>;
}
